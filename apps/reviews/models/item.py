from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core.links import record_href
from apps.grants.models import Grant
from apps.inventory.models import Agent, Binding, Credential, Identity, System
from apps.remediation.models import Order
from apps.reviews.models.campaign import Campaign
from apps.reviews.querysets.items import ReviewItemQuerySet
from apps.reviews.states import AtClose, Disposition, FoundBy, ItemState, NoteKind


class ReviewItem(models.Model):
    """One grant, credential, or binding that one reviewer must decide.

    `frozen` holds the subject as it stood at staging (actions, resources, paths, justification,
    flags); the digests are the accountable agent's fingerprints then. `reviewer` repeats the
    newest assignment. `attester` is the owner asked to attest the need of write and admin.
    """

    # A population is written at once, so a key has an index of its own only where none of those
    # below serves it; where it is mostly empty, the index leaves the empty ones out.
    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="items", db_index=False)
    grant = models.ForeignKey(
        Grant, models.PROTECT, null=True, blank=True, related_name="review_items"
    )
    credential = models.ForeignKey(
        Credential,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="review_items",
        db_index=False,
    )
    binding = models.ForeignKey(
        Binding,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="review_items",
        db_index=False,
    )
    agent = models.ForeignKey(
        Agent, models.PROTECT, null=True, blank=True, related_name="review_items"
    )
    system = models.ForeignKey(System, models.PROTECT, related_name="+", db_index=False)
    level = models.CharField(max_length=5, blank=True)
    label = models.CharField(max_length=400)
    frozen = models.JSONField(default=dict)
    subject_sha256 = models.CharField(max_length=64, blank=True)
    design_digest = models.CharField(max_length=64, blank=True)
    access_digest = models.CharField(max_length=64, blank=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="review_items", db_index=False
    )
    found_by = models.CharField(max_length=12, choices=FoundBy)
    reassigned_count = models.PositiveSmallIntegerField(default=0)
    attester = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    state = models.CharField(
        max_length=10, choices=ItemState, default=ItemState.OPEN, editable=False
    )
    disposition = models.CharField(
        max_length=11, choices=Disposition, blank=True, default="", editable=False
    )
    state_reason = models.TextField(blank=True)
    at_close = models.CharField(
        max_length=7, choices=AtClose, blank=True, default="", editable=False
    )
    order = models.ForeignKey(
        Order, models.PROTECT, null=True, blank=True, related_name="review_items", db_index=False
    )
    supersedes = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="superseded_by",
        db_index=False,
    )
    carries = models.ForeignKey(
        "reviews.Decision",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="carried_by",
        db_index=False,
        help_text="The earlier decision that it was carried forward from.",
    )

    objects = ReviewItemQuerySet.as_manager()

    class Meta:
        ordering = ["campaign", "agent", "pk"]
        constraints = [
            models.CheckConstraint(
                name="reviews_reviewitem_state_known", condition=Q(state__in=ItemState.values)
            ),
            models.CheckConstraint(
                name="reviews_reviewitem_one_subject",
                condition=Q(grant__isnull=False, credential__isnull=True, binding__isnull=True)
                | Q(grant__isnull=True, credential__isnull=False, binding__isnull=True)
                | Q(grant__isnull=True, credential__isnull=True, binding__isnull=False),
            ),
            models.UniqueConstraint(
                name="reviews_reviewitem_grant_once",
                fields=["campaign", "grant"],
                condition=Q(grant__isnull=False) & ~Q(state=ItemState.SUPERSEDED),
            ),
            models.UniqueConstraint(
                name="reviews_reviewitem_credential_once",
                fields=["campaign", "credential"],
                condition=Q(credential__isnull=False) & ~Q(state=ItemState.SUPERSEDED),
            ),
            models.UniqueConstraint(
                name="reviews_reviewitem_binding_once",
                fields=["campaign", "binding"],
                condition=Q(binding__isnull=False) & ~Q(state=ItemState.SUPERSEDED),
            ),
            models.CheckConstraint(
                name="reviews_reviewitem_reassigned_at_most_twice",
                condition=Q(reassigned_count__lte=2),
            ),
        ]
        indexes = [
            models.Index(name="reviews_item_page", fields=["campaign", "id"]),
            models.Index(name="reviews_item_bench", fields=["campaign", "reviewer", "agent", "id"]),
            models.Index(name="reviews_item_state", fields=["campaign", "state", "id"]),
            models.Index(
                name="reviews_item_waiting",
                fields=["reviewer", "campaign"],
                condition=Q(state=ItemState.OPEN),
            ),
            models.Index(
                name="reviews_item_attesting",
                fields=["attester", "campaign"],
                condition=Q(state=ItemState.OPEN, attester__isnull=False),
            ),
            *(
                models.Index(
                    name=f"reviews_item_{key}",
                    fields=[key],
                    condition=Q(**{f"{key}__isnull": False}),
                )
                for key in ("credential", "binding", "order", "supersedes", "carries")
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        return record_href("reviews:item_detail", self.pk)

    @property
    def kind(self) -> str:
        return "grant" if self.grant_id else "credential" if self.credential_id else "binding"

    @property
    def identity(self) -> Identity:
        return self.subject.identity

    @property
    def subject(self) -> Grant | Credential | Binding:
        return self.grant or self.credential or self.binding  # type: ignore[return-value]


class Assignment(models.Model):
    """Who was asked to decide an item, since when, and how they were found. Append-only."""

    item = models.ForeignKey(ReviewItem, models.PROTECT, related_name="assignments", db_index=False)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    found_by = models.CharField(max_length=12, choices=FoundBy)
    reason = models.TextField(blank=True)
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    since = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(name="reviews_assignment_item", fields=["item", "id"])]

    def __str__(self) -> str:
        return f"{self.reviewer} for {self.item}"


class ItemNote(models.Model):
    """What somebody wrote beside an item: a question, its answer, an attestation. Append-only."""

    item = models.ForeignKey(ReviewItem, models.PROTECT, related_name="notes")
    kind = models.CharField(max_length=11, choices=NoteKind)
    text = models.TextField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    addressee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    answers = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="replies"
    )
    written_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="reviews_itemnote_kind_known", condition=Q(kind__in=NoteKind.values)
            ),
            models.CheckConstraint(name="reviews_itemnote_has_text", condition=~Q(text="")),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} on {self.item}"
