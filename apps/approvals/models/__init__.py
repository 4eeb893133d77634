from apps.approvals.models.group import Group, GroupMember
from apps.approvals.models.policy import Policy, PolicyRequirement, PolicyStep
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
    "Group",
    "GroupMember",
    "KeyedAsk",
    "Policy",
    "PolicyRequirement",
    "PolicyStep",
    "RequestNote",
    "RequestProof",
    "RequestRequirement",
    "RequestStep",
    "Vote",
]
