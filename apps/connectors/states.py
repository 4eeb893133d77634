from django.db import models

from apps.core.states import StateMachine


class SyncStatus(models.TextChoices):
    """How far one reading has come. Operational, not a fact of governance: the source is."""

    WAITING = "waiting", "Waiting to be read"
    READING = "reading", "Being read"
    READY = "ready", "Ready to apply"
    APPLYING = "applying", "Being applied"
    APPLIED = "applied", "Applied"
    FAILED = "failed", "Refused"
    DROPPED = "dropped", "Dropped"


# A tuple, not a set: it ends up in migrations, whose text must not vary between runs.
OPEN = (SyncStatus.WAITING, SyncStatus.READING, SyncStatus.READY, SyncStatus.APPLYING)


class ConnectionKind(models.TextChoices):
    AWS = "aws", "AWS"
    VAULT = "vault", "HashiCorp Vault or OpenBao"
    AZURE = "azure", "Azure: Key Vault and Entra"


class ConnectionState(models.TextChoices):
    DRAFT = "draft", "Not tried yet"
    READING = "reading", "Reads"
    REMOVAL_ASKED = "removal_asked", "Reads; removal asked for"
    REMOVING = "removing", "Reads and removes"
    RETIRED = "retired", "Retired"


_C = ConnectionState

CONNECTION_MOVES = StateMachine(
    name="connection",
    moves={
        _C.DRAFT: frozenset({_C.READING, _C.RETIRED}),
        _C.READING: frozenset({_C.REMOVAL_ASKED, _C.RETIRED}),
        _C.REMOVAL_ASKED: frozenset({_C.REMOVING, _C.READING, _C.RETIRED}),
        _C.REMOVING: frozenset({_C.READING, _C.RETIRED}),
        _C.RETIRED: frozenset(),
    },
)
READS = (_C.READING, _C.REMOVAL_ASKED, _C.REMOVING)
REMOVES = (_C.REMOVING,)


class ReadingStatus(models.TextChoices):
    """How far the reading of one part has come. Operational; the source is the fact."""

    RUNNING = "running", "Being read"
    READ = "read", "Read"
    FAILED = "failed", "Not read"
