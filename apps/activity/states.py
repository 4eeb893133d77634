from django.db import models

from apps.core.states import StateMachine


class Kind(models.TextChoices):
    """What one event is. All but the last are the agent's own account."""

    INVOCATION = "invocation", "Invocation"
    STEP = "step", "Step"
    ACTION = "action", "Action"
    CALL = "call", "Call it says it made"
    GUARD = "guard", "Guard"
    OTHER = "other", "Other"
    API = "api", "API call a system recorded"


# What an agent says it did to something outside itself.
DEEDS = (Kind.ACTION, Kind.CALL)


class Outcome(models.TextChoices):
    OK = "ok", "Succeeded"
    FAILED = "failed", "Failed"
    DENIED = "denied", "Denied"
    UNKNOWN = "", "Not said"


# What did not end well, and stands out wherever it is listed.
BAD = frozenset({Outcome.FAILED, Outcome.DENIED})


class Method(models.TextChoices):
    """How an action and an API call were joined."""

    REQUEST_ID = "request-id", "Same request id"
    CARRIED_ID = "carried-id", "Our id was carried along"
    SESSION = "session", "A session made for this invocation"
    CREDENTIAL_WINDOW = "credential-window", "Same credential, during the run"
    PRINCIPAL_WINDOW = "principal-window", "Same identity, during the run"


# These tell of which run a call is, and not which deed of it.
CARRYING = (Method.CARRIED_ID, Method.SESSION)
# The ladder of the trail: 5 is exact; up to 2 it only happened near the run.
CONFIDENCE = {
    Method.REQUEST_ID: 5,
    Method.CARRIED_ID: 4,
    Method.SESSION: 3,
    Method.CREDENTIAL_WINDOW: 2,
    Method.PRINCIPAL_WINDOW: 1,
}
PROVEN_FROM = 3
# What names a run whose agent does not act as the identity that made the call.
CONTESTED = 0


def joined_said(method: str, confidence: int) -> str:
    """How a call was joined to a run, in words."""
    if confidence == CONTESTED:
        return "Names this run, whose agent does not act as this identity"
    return str(Method(method).label)


class Shown(models.TextChoices):
    """What the logs of systems say of something that an agent says it did."""

    YES = "yes", "A system's log has it"
    FAILED = "failed", "It says that it failed"
    MISSED = "missed", "No system's log has it"
    NEW = "new", "Too new to tell"
    NO_SYSTEM = "no-system", "Not known: no system that is known here is named in it"
    NO_LOG = "no-log", "Not known: no log is read"
    NOT_WHOLE = "not-whole", "Not known: the system's log is not whole for that hour"
    NO_SUCH = "no-such", "Not known: the system's log never held a call of this name"
    HIDDEN = "hidden", "On a system outside of your seat"


class LogFormat(models.TextChoices):
    CLOUDTRAIL = "cloudtrail", "AWS CloudTrail"
    VAULT = "vault", "Vault or OpenBao audit"
    KUBERNETES = "kubernetes", "Kubernetes audit"
    GITHUB = "github", "GitHub audit"
    GENERIC = "generic", "JSON lines, with a mapping"


class Subject(models.TextChoices):
    """Whose hour is counted."""

    USE = "use", "What systems recorded of an identity"
    DEED = "deed", "What an agent said it did"


class Trait(models.TextChoices):
    """What is told of a use besides who and what."""

    ADDRESS = "address", "Address"
    CLIENT = "client", "Client"
    HOUR = "hour", "Hour of the day"


class Told(models.TextChoices):
    """Whether what an agent did can be told, from instruction to API call."""

    YES = "yes", "Can be told"
    PARTLY = "partly", "Can be told in part"
    NO = "no", "Cannot be told"
    UNKNOWN = "not-known", "Not known"


class ImportWay(models.TextChoices):
    """How a log came in."""

    FILE = "file", "Uploaded"
    COMMAND = "command", "By command"
    CONNECTION = "connection", "By a connection"


class ImportStatus(models.TextChoices):
    WAITING = "waiting", "Waiting to be read"
    RUNNING = "running", "Being read"
    DONE = "done", "Read"
    FAILED = "failed", "Not read"


class ErasureState(models.TextChoices):
    ASKED = "asked", "Waits for another person"
    APPROVED = "approved", "Approved"
    ERASED = "erased", "Erased"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn"


ERASURE_MOVES = StateMachine(
    name="erasure",
    moves={
        ErasureState.ASKED: frozenset(
            {ErasureState.APPROVED, ErasureState.REFUSED, ErasureState.WITHDRAWN}
        ),
        ErasureState.APPROVED: frozenset({ErasureState.ERASED}),
        ErasureState.ERASED: frozenset(),
        ErasureState.REFUSED: frozenset(),
        ErasureState.WITHDRAWN: frozenset(),
    },
)


class Basis(models.TextChoices):
    """Why the law or the house lets words of the trail be erased."""

    PERSON = "person", "A person asked for it (GDPR, article 17)"
    LIMIT = "limit", "Kept longer than needed (GDPR, article 5)"
    ORDER = "order", "A court or an authority ordered it"
    CONTRACT = "contract", "A contract asks for it"
    SECRET = "secret", "It holds a secret that was not scrubbed"
    OTHER = "other", "Another, named in the reason"
