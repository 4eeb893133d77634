"""The rules over the inventory and its grants. Apps above register theirs when they are ready."""

from apps.findings.rules.access import (
    AgentNotReady,
    AgentWithoutOwner,
    EverythingAdmin,
    IdentityWithoutAgent,
    PurposeMissing,
    SharedIdentity,
    UnjustifiedGrant,
)
from apps.findings.rules.base import Rule, all_rules, register, rule_choices, rule_named
from apps.findings.rules.credentials import (
    CredentialInCode,
    EndlessCredential,
    ExpiredCredential,
    LongLivedCredential,
    RotationOverdue,
    SharedCredential,
    UnusedCredential,
)
from apps.findings.rules.explained import AttributionLost, UnconfirmedActions, UnexplainedCalls
from apps.findings.rules.issued import IssuedNotEnded
from apps.findings.rules.outside import OutsideGrants
from apps.findings.rules.proof import (
    ArchiveFailing,
    ErasureHeldUp,
    LogBroken,
    PartitionMissing,
    SignerSilent,
)
from apps.findings.rules.removals import (
    ConnectionFailing,
    KillUnconfirmed,
    LeakedCredential,
    UsedAfterRevocation,
)
from apps.findings.rules.sightings import NewAddress, NewClient, NewHour, UsedByNoAgent
from apps.findings.rules.use import PurposeDrift, ReconstructionOverdue, UnusedGrant

register(
    LongLivedCredential,
    RotationOverdue,
    EndlessCredential,
    UnusedCredential,
    SharedCredential,
    ExpiredCredential,
    CredentialInCode,
    UnjustifiedGrant,
    EverythingAdmin,
    SharedIdentity,
    IdentityWithoutAgent,
    AgentWithoutOwner,
    PurposeMissing,
    AgentNotReady,
    UsedAfterRevocation,
    LeakedCredential,
    KillUnconfirmed,
    ConnectionFailing,
    IssuedNotEnded,
    LogBroken,
    PartitionMissing,
    ArchiveFailing,
    ErasureHeldUp,
    SignerSilent,
    UnexplainedCalls,
    UnconfirmedActions,
    AttributionLost,
    OutsideGrants,
    UsedByNoAgent,
    NewAddress,
    NewClient,
    NewHour,
    UnusedGrant,
    PurposeDrift,
    ReconstructionOverdue,
)

__all__ = ["Rule", "all_rules", "register", "rule_choices", "rule_named"]
