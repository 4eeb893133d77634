from django.db import models


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
