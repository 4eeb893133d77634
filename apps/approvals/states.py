from django.db import models

from apps.core.states import StateMachine


class RequestState(models.TextChoices):
    SUBMITTED = "submitted", "No policy yet"
    PENDING = "pending", "Waiting for approval"
    APPROVED = "approved", "Approved, not yet in place"
    PROVISIONED = "provisioned", "In place"
    DENIED = "denied", "Denied"
    CANCELLED = "cancelled", "Cancelled"
    LAPSED = "lapsed", "Lapsed"
    INVALIDATED = "invalidated", "Void"


_R = RequestState

# Requests that may still lead to access. A tuple: it ends up in migrations.
OPEN = (_R.SUBMITTED, _R.PENDING, _R.APPROVED)

_ENDS = frozenset({_R.CANCELLED, _R.LAPSED, _R.INVALIDATED})

REQUEST_MOVES = StateMachine(
    name="request",
    moves={
        _R.SUBMITTED: frozenset({_R.PENDING, _R.APPROVED}) | _ENDS,
        _R.PENDING: frozenset({_R.APPROVED, _R.DENIED}) | _ENDS,
        _R.APPROVED: frozenset({_R.PROVISIONED}) | _ENDS,
        _R.PROVISIONED: frozenset(),
        _R.DENIED: frozenset(),
        _R.CANCELLED: frozenset(),
        _R.LAPSED: frozenset(),
        _R.INVALIDATED: frozenset(),
    },
)


class RequestKind(models.TextChoices):
    NEW = "new", "New access"
    RENEWAL = "renewal", "Renewal"
    FOUND = "found", "Access found in a source"


class RequirementKind(models.TextChoices):
    """Whom a requirement turns to. Never the receiving agent's owner or technical owner."""

    MANAGER = "manager", "Team manager"
    SYSTEM_OWNER = "system_owner", "System owner"
    GROUP = "group", "Named group"
    SECURITY = "security", "Security"
    STEWARDS = "stewards", "Stewards"


class GroupKey(models.TextChoices):
    """Groups that rules turn to by what they are for; every other group is known by its name."""

    SECURITY = "security", "Security"
    FALLBACK = "fallback", "Fallback"
    BREAK_GLASS = "break_glass", "Break-glass"
    ON_CALL = "on_call", "On call"


class Choice(models.TextChoices):
    APPROVE = "approve", "Approve"
    DENY = "deny", "Deny"


class FoundBy(models.TextChoices):
    POLICY = "policy", "Policy"
    FALLBACK = "fallback", "Fallback, after the time of the step"


class NoteKind(models.TextChoices):
    QUESTION = "question", "Question"
    ANSWER = "answer", "Answer"
    JOINED = "joined", "Asked for the same"


class ProposalState(models.TextChoices):
    """What became of a proposal to remove access that nobody is known to use."""

    OPEN = "open", "Waits for a word"
    KEPT = "kept", "Kept"
    ORDERED = "ordered", "Removal ordered"
    MOOT = "moot", "No longer holds"


_P = ProposalState

PROPOSAL_MOVES = StateMachine(
    name="proposal",
    moves={
        _P.OPEN: frozenset({_P.KEPT, _P.ORDERED, _P.MOOT}),
        _P.KEPT: frozenset(),
        _P.ORDERED: frozenset(),
        _P.MOOT: frozenset(),
    },
)


class BreakGlassState(models.TextChoices):
    ACTIVE = "active", "In force"
    ENDED = "ended", "Over, not reviewed"
    REVIEWED = "reviewed", "Reviewed"


_B = BreakGlassState

BREAK_GLASS_MOVES = StateMachine(
    name="break-glass use",
    moves={
        _B.ACTIVE: frozenset({_B.ENDED}),
        _B.ENDED: frozenset({_B.REVIEWED}),
        _B.REVIEWED: frozenset(),
    },
)


class BreakGlassVerdict(models.TextChoices):
    WARRANTED = "warranted", "It was warranted"
    UNWARRANTED = "unwarranted", "It was not warranted"
