from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from apps.proof.querysets import CheckpointQuerySet, TileQuerySet, WatchQuerySet
from apps.proof.states import WatchKind


class Log(models.Model):
    """One tamper-evident log, and its head: whoever appends holds this row until they commit.

    `frontier` holds the hashes of the tiles that are not full yet; see `apps.proof.tiles`.
    """

    name = models.CharField(max_length=40, unique=True)
    origin = models.CharField(max_length=200, unique=True)
    epoch = models.PositiveIntegerField(default=1)
    size = models.PositiveBigIntegerField(default=0)
    frontier = models.BinaryField(default=b"")
    begun_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"Log {self.name}"

    def get_absolute_url(self) -> str:
        return reverse("console:proof")


class Tile(models.Model):
    """256 hashes that will never change; the layout is C2SP's tlog-tiles."""

    log = models.ForeignKey(Log, models.PROTECT, related_name="+", db_index=False)
    level = models.PositiveSmallIntegerField()
    index = models.PositiveBigIntegerField()
    hashes = models.BinaryField()

    objects = TileQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="proof_tile_once", fields=["log", "level", "index"]),
        ]

    def __str__(self) -> str:
        return f"Tile {self.level}/{self.index} of log {self.log_id}"


class Epoch(models.Model):
    """From where on a log has this origin and key, and what the one before was last signed as."""

    log = models.ForeignKey(Log, models.PROTECT, related_name="epochs", db_index=False)
    number = models.PositiveIntegerField()
    origin = models.CharField(max_length=200)
    vkey = models.CharField(max_length=300)
    size = models.PositiveBigIntegerField()
    root = models.BinaryField()
    before = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    begun_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["log", "number"]
        constraints = [
            models.UniqueConstraint(name="proof_epoch_once", fields=["log", "number"]),
        ]

    def __str__(self) -> str:
        return f"Epoch {self.number} of log {self.log.name}"


class Checkpoint(models.Model):
    """What the signer signed a log to be, as it signed it."""

    log = models.ForeignKey(Log, models.PROTECT, related_name="checkpoints", db_index=False)
    epoch = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField()
    root = models.BinaryField()
    note = models.TextField()
    signed_at = models.DateTimeField()

    objects = CheckpointQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                name="proof_checkpoint_once", fields=["log", "epoch", "size", "signed_at"]
            ),
        ]
        indexes = [models.Index(name="proof_checkpoint_newest", fields=["log", "-id"])]

    def __str__(self) -> str:
        return f"Checkpoint {self.size} of log {self.log_id}"


class Watch(models.Model):
    """How far somebody who watches a log has come, and what they found wrong.

    Not a fact of governance, and nothing is proven by it: the signer's own memory is a file
    outside the database. It is here so that pages and findings can tell.
    """

    log = models.ForeignKey(Log, models.PROTECT, related_name="watches", db_index=False)
    kind = models.CharField(max_length=10, choices=WatchKind)
    looked_at = models.DateTimeField(null=True)
    position = models.PositiveBigIntegerField(default=0)
    # Of the leaves before `position`, as far as the watcher has worked them out itself.
    frontier = models.BinaryField(default=b"")
    # When a pass over the whole log ended; and what this one found wrong so far.
    whole_at = models.DateTimeField(null=True)
    faults = models.PositiveIntegerField(default=0)
    trouble = models.TextField(blank=True)
    trouble_since = models.DateTimeField(null=True)

    objects = WatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "watches"
        constraints = [
            models.UniqueConstraint(name="proof_watch_once", fields=["log", "kind"]),
            models.CheckConstraint(
                name="proof_watch_trouble_iff_time",
                condition=Q(trouble="", trouble_since__isnull=True)
                | (~Q(trouble="") & Q(trouble_since__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of log {self.log_id}"

    def get_absolute_url(self) -> str:
        return reverse("console:proof")
