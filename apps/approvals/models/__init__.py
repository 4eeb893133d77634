from apps.approvals.models.break_glass import BreakGlass
from apps.approvals.models.group import Group, GroupMember
from apps.approvals.models.policy import Policy, PolicyRequirement, PolicyStep
from apps.approvals.models.proposal import RemovalProposal
from apps.approvals.models.request import (
    AccessRequest,
    KeyedAsk,
    RequestNote,
    RequestProof,
)
from apps.approvals.models.step import Approver, RequestRequirement, RequestStep
from apps.approvals.models.vote import Vote

__all__ = [
    "AccessRequest",
    "Approver",
    "BreakGlass",
    "Group",
    "GroupMember",
    "KeyedAsk",
    "Policy",
    "PolicyRequirement",
    "PolicyStep",
    "RemovalProposal",
    "RequestNote",
    "RequestProof",
    "RequestRequirement",
    "RequestStep",
    "Vote",
]
