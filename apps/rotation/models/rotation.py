from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from apps.connectors.models import Connection
from apps.core.links import record_href
from apps.inventory.models import Credential
from apps.remediation.models import Order
from apps.rotation.querysets import RotationQuerySet
from apps.rotation.states import ROTATION_OVER, RotationState, RotationWay


class Rotation(models.Model):
    """A new secret in place of an old one, from plan to the old one's end.

    `place` is where the new secret goes, `fields` what its parts are called there. `intent` is
    what stood at the provider when making the new one was begun, written before that: by it a
    worker finds what another one made and could not note. `new_id` is the new one's id; its
    secret is never kept. `retirement` is the order that ends the old one once the overlap is over.
    `state` moves only through `apps.rotation.services`.
    """

    credential = models.ForeignKey(Credential, models.PROTECT, related_name="rotations")
    new_credential = models.ForeignKey(
        Credential, models.PROTECT, null=True, blank=True, related_name="made_by_rotations"
    )
    label = models.CharField(max_length=400)
    way = models.CharField(max_length=8, choices=RotationWay)
    why_by_hand = models.CharField(max_length=300, blank=True)
    state = models.CharField(
        max_length=8, choices=RotationState, default=RotationState.PLANNED, editable=False
    )
    reason = models.TextField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="rotations"
    )
    planned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    planned_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(null=True, blank=True)
    order = models.ForeignKey(
        Order, models.PROTECT, null=True, blank=True, related_name="rotations"
    )
    connection = models.ForeignKey(
        Connection, models.PROTECT, null=True, blank=True, related_name="rotations"
    )
    place = models.CharField(max_length=300, blank=True)
    place_connection = models.ForeignKey(
        Connection, models.PROTECT, null=True, blank=True, related_name="+"
    )
    fields = models.JSONField(default=dict, blank=True)
    plan = models.JSONField(default=dict, blank=True)
    overlap_days = models.PositiveSmallIntegerField()
    intent = models.JSONField(default=dict, blank=True)
    new_id = models.CharField(max_length=300, blank=True)
    begun_at = models.DateTimeField(null=True, blank=True)
    switched_at = models.DateTimeField(null=True, blank=True)
    retire_at = models.DateTimeField(null=True, blank=True)
    hurried = models.BooleanField(default=False)
    retirement = models.ForeignKey(
        Order, models.PROTECT, null=True, blank=True, related_name="retires"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    how = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    trouble = models.TextField(blank=True)
    wake_at = models.DateTimeField(null=True, blank=True)
    search = models.GeneratedField(
        expression=Lower(models.F("label")), output_field=models.TextField(), db_persist=True
    )

    objects = RotationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="rotation_rotation_state_known", condition=Q(state__in=RotationState.values)
            ),
            models.CheckConstraint(
                name="rotation_rotation_way_known", condition=Q(way__in=RotationWay.values)
            ),
            models.CheckConstraint(
                name="rotation_rotation_ended_iff_over",
                condition=Q(state__in=ROTATION_OVER, ended_at__isnull=False)
                | (~Q(state__in=ROTATION_OVER) & Q(ended_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="rotation_rotation_beside_has_place",
                condition=~Q(way=RotationWay.BESIDE)
                | Q(place_connection__isnull=False, connection__isnull=False) & ~Q(place=""),
            ),
            models.UniqueConstraint(
                name="rotation_rotation_one_open",
                fields=["credential"],
                condition=~Q(state__in=ROTATION_OVER),
                violation_error_message="It is being rotated already.",
            ),
        ]
        indexes = [
            models.Index(name="rotation_rotation_label", fields=["label", "id"]),
            models.Index(name="rotation_rotation_due", fields=["due_at", "id"]),
            models.Index(name="rotation_rotation_state", fields=["state", "id"]),
            models.Index(
                name="rotation_rotation_wake",
                fields=["wake_at", "id"],
                condition=Q(wake_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Rotation of {self.label}"

    def get_absolute_url(self) -> str:
        return record_href("rotation:rotation_detail", self.pk)

    @property
    def is_over(self) -> bool:
        return self.state in ROTATION_OVER

    @property
    def is_live(self) -> bool:
        """Whether something may happen any second."""
        return self.wake_at is not None and self.state in {
            RotationState.PLANNED,
            RotationState.CREATED,
            RotationState.TESTED,
        }


class RotationStep(models.Model):
    """One thing done for a rotation, in the provider's own words. Append-only; holds no secret."""

    rotation = models.ForeignKey(Rotation, models.PROTECT, related_name="steps")
    title = models.CharField(max_length=300)
    said = models.TextField(blank=True)
    worked = models.BooleanField(default=True)
    done_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.title
