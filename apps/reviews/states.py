from django.db import models

from apps.core.states import StateMachine


class CampaignState(models.TextChoices):
    DRAFT = "draft", "Draft"
    STAGING = "staging", "Staging"
    STAGING_FAILED = "staging_failed", "Staging failed"
    STAGED = "staged", "Staged"
    RUNNING = "running", "Running"
    DECIDED = "decided", "Decided"
    REMEDIATING = "remediating", "Remediating"
    VERIFYING = "verifying", "Verifying"
    CLOSED = "closed", "Closed"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    CANCELLED = "cancelled", "Cancelled"


_C = CampaignState

CAMPAIGN_MOVES = StateMachine(
    name="campaign",
    moves={
        _C.DRAFT: frozenset({_C.STAGING, _C.CANCELLED}),
        _C.STAGING: frozenset({_C.STAGED, _C.STAGING_FAILED, _C.CANCELLED}),
        _C.STAGING_FAILED: frozenset({_C.STAGING, _C.CANCELLED}),
        _C.STAGED: frozenset({_C.RUNNING, _C.STAGING, _C.CANCELLED}),
        _C.RUNNING: frozenset({_C.DECIDED, _C.CANCELLED}),
        _C.DECIDED: frozenset({_C.REMEDIATING, _C.CANCELLED}),
        _C.REMEDIATING: frozenset({_C.VERIFYING}),
        _C.VERIFYING: frozenset({_C.CLOSED, _C.REMEDIATING}),
        _C.CLOSED: frozenset({_C.ACKNOWLEDGED}),
        _C.ACKNOWLEDGED: frozenset(),
        _C.CANCELLED: frozenset(),
    },
)
# Campaigns still in somebody's hands; a template's next occurrence waits for them.
UNDER_WAY = (
    _C.STAGING,
    _C.STAGED,
    _C.RUNNING,
    _C.DECIDED,
    _C.REMEDIATING,
    _C.VERIFYING,
)
AFTER_LAUNCH = (
    _C.RUNNING,
    _C.DECIDED,
    _C.REMEDIATING,
    _C.VERIFYING,
    _C.CLOSED,
    _C.ACKNOWLEDGED,
)
OVER = (_C.CLOSED, _C.ACKNOWLEDGED)


class ItemState(models.TextChoices):
    OPEN = "open", "Open"
    DECIDED = "decided", "Decided"
    FINAL = "final", "Final"
    VOID = "void", "Void"
    SUPERSEDED = "superseded", "Superseded"
    EXCLUDED = "excluded", "Excluded"
    CARRIED = "carried", "Carried forward"


_I = ItemState

ITEM_MOVES = StateMachine(
    name="review item",
    moves={
        _I.OPEN: frozenset({_I.DECIDED, _I.FINAL, _I.VOID, _I.SUPERSEDED, _I.EXCLUDED, _I.CARRIED}),
        _I.DECIDED: frozenset({_I.FINAL, _I.VOID, _I.SUPERSEDED}),
        _I.FINAL: frozenset(),
        _I.VOID: frozenset(),
        _I.SUPERSEDED: frozenset(),
        _I.EXCLUDED: frozenset(),
        # What it was carried forward from is no longer the same, so it is asked about after all.
        _I.CARRIED: frozenset({_I.SUPERSEDED}),
    },
)


class Outcome(models.TextChoices):
    KEEP = "keep", "Keep"
    NARROW = "narrow", "Narrow"
    REVOKE = "revoke", "Revoke"
    ROTATE = "rotate", "Rotate"
    ABSTAIN = "abstain", "Abstain"


class Disposition(models.TextChoices):
    """How an item ended; over a closed campaign these sum to the population."""

    UNDECIDED = "", "Not yet"
    KEPT = "kept", "Kept"
    NARROWED = "narrowed", "Narrowed"
    REVOKED = "revoked", "Revoked"
    ROTATED = "rotated", "Rotated"
    UNCERTIFIED = "uncertified", "No answer: kept, uncertified"
    SUSPENDED = "suspended", "No answer: suspension ordered"
    WITHDRAWN = "withdrawn", "No answer: removal ordered"
    VOID = "void", "Subject gone"
    SUPERSEDED = "superseded", "Superseded"
    EXCLUDED = "excluded", "Excluded"
    CARRIED = "carried", "Carried forward"


class HoldState(models.TextChoices):
    HELD = "held", "Waits for a second person"
    RELEASED = "released", "Released"
    REFUSED = "refused", "Refused"


HOLD_MOVES = StateMachine(
    name="hold",
    moves={
        HoldState.HELD: frozenset({HoldState.RELEASED, HoldState.REFUSED}),
        HoldState.RELEASED: frozenset(),
        HoldState.REFUSED: frozenset(),
    },
)


class AtClose(models.TextChoices):
    """What the newest reading says at closing about a subject frozen at staging."""

    UNKNOWN = "", "Not compared"
    SAME = "same", "As it was frozen"
    CHANGED = "changed", "Changed since"
    GONE = "gone", "No longer there"


class FoundBy(models.TextChoices):
    """How the reviewer of an item was found."""

    OWNER = "owner", "Owner of the agent"
    MANAGER = "manager", "Manager of the agent's team"
    FALLBACK = "fallback", "Fallback: nobody else may decide"
    NO_AGENT = "no_agent", "Fallback: identity with no accountable agent"
    REASSIGNED = "reassigned", "Reassigned by a person"
    SELF_REVIEW = "self_review", "Rerouted: nobody judges their own"
    TAKEOVER = "takeover", "Took over from somebody deactivated"


class NoteKind(models.TextChoices):
    QUESTION = "question", "Question to the owner"
    ANSWER = "answer", "Answer"
    COMMENT = "comment", "Comment"
    ATTESTATION = "attestation", "The owner attests the need"
    NOT_MINE = "not_mine", "Not mine"
