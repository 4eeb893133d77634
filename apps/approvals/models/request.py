from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from apps.approvals.models.policy import Policy
from apps.approvals.querysets.requests import RequestQuerySet
from apps.approvals.states import OPEN, NoteKind, RequestKind, RequestState
from apps.core.links import record_href
from apps.grants.models import Grant
from apps.grants.states import Level
from apps.inventory.models import Agent, Identity, Source, System, Task


class AccessRequest(models.Model):
    """Somebody asks that an identity of an agent may do something more, until a date.

    `actions`, `resources`, and `days` are what is on the table now: an approver may take from
    them, never add; `asked` keeps what was asked for. `digest` binds approvals to that and to
    the agent's design; `round` counts how often voting began anew. `scope_sha256` says whether
    two requests ask for the same. Where it is in place, `access_ended_at` says since when its
    access is seen to be gone, or goes on under a request that renews it (`renews`).
    """

    kind = models.CharField(max_length=8, choices=RequestKind, default=RequestKind.NEW)
    agent = models.ForeignKey(Agent, models.PROTECT, related_name="access_requests")
    identity = models.ForeignKey(Identity, models.PROTECT, related_name="access_requests")
    system = models.ForeignKey(System, models.PROTECT, related_name="access_requests")
    service = models.CharField(max_length=80)
    level = models.CharField(max_length=5, choices=Level)
    tags = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    label = models.CharField(max_length=400)
    actions = models.JSONField(default=list)
    resources = models.JSONField(default=list)
    days = models.PositiveSmallIntegerField(null=True, blank=True)
    asked = models.JSONField(default=dict)
    held_before = models.JSONField(
        default=list,
        blank=True,
        help_text="What the identity could do there at this level already: it outlives this.",
    )
    scope_sha256 = models.CharField(max_length=64)
    task = models.ForeignKey(Task, models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.TextField()
    ticket = models.CharField(max_length=80, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="access_requests"
    )
    asked_by_client = models.CharField(max_length=100, blank=True)
    asked_by_label = models.CharField(max_length=150)

    policy = models.ForeignKey(Policy, models.PROTECT, null=True, related_name="requests")
    policy_name = models.CharField(max_length=100, blank=True)
    combinations = models.JSONField(default=list, blank=True)
    denials_end_it = models.PositiveSmallIntegerField(default=1)
    step_at = models.PositiveSmallIntegerField(
        default=0, help_text="The step that runs; 0 while none does."
    )
    step_due_at = models.DateTimeField(null=True)
    round = models.PositiveSmallIntegerField(default=1)
    is_unmeetable = models.BooleanField(
        default=False, help_text="Not enough different people may approve it."
    )
    design_digest = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)

    state = models.CharField(
        max_length=11, choices=RequestState, default=RequestState.SUBMITTED, editable=False
    )
    submitted_at = models.DateTimeField(db_default=Now())
    lapses_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    provisioned_at = models.DateTimeField(null=True)
    provisioned_how = models.TextField(blank=True)
    access_ends_at = models.DateTimeField(null=True)
    ended_because = models.TextField(blank=True)
    access_ended_at = models.DateTimeField(null=True)
    renews = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="renewals"
    )
    grant = models.ForeignKey(
        Grant,
        models.PROTECT,
        null=True,
        related_name="access_requests",
        help_text="What it renews or explains; once in place, what it led to.",
    )
    search = models.GeneratedField(
        expression=Lower(F("label")), output_field=models.TextField(), db_persist=True
    )

    objects = RequestQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "access request"
        constraints = [
            models.CheckConstraint(
                name="approvals_request_state_known", condition=Q(state__in=RequestState.values)
            ),
            models.CheckConstraint(
                name="approvals_request_kind_known", condition=Q(kind__in=RequestKind.values)
            ),
            models.CheckConstraint(
                name="approvals_request_level_known", condition=Q(level__in=Level.values)
            ),
            models.CheckConstraint(name="approvals_request_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="approvals_request_write_ends",
                condition=Q(level=Level.READ) | Q(days__isnull=False),
            ),
            models.CheckConstraint(
                name="approvals_request_somebody_asks",
                condition=Q(asked_by__isnull=False, asked_by_client="")
                | (Q(asked_by__isnull=True) & ~Q(asked_by_client="")),
            ),
            models.CheckConstraint(
                name="approvals_request_pending_at_a_step",
                condition=~Q(state=RequestState.PENDING)
                | Q(step_at__gte=1, step_due_at__isnull=False, policy__isnull=False),
            ),
            models.CheckConstraint(
                name="approvals_request_approved_by_a_policy",
                condition=~Q(state__in=(RequestState.APPROVED, RequestState.PROVISIONED))
                | Q(policy__isnull=False, decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="approvals_request_in_place_is_a_grant",
                condition=~Q(state=RequestState.PROVISIONED)
                | Q(grant__isnull=False, provisioned_at__isnull=False),
            ),
            models.CheckConstraint(
                name="approvals_request_ends_after_it_was_in_place",
                condition=Q(access_ended_at__isnull=True) | Q(state=RequestState.PROVISIONED),
            ),
            models.CheckConstraint(
                name="approvals_request_renews_by_renewal",
                condition=Q(renews__isnull=True) | Q(kind=RequestKind.RENEWAL, grant__isnull=False),
            ),
            models.UniqueConstraint(
                name="approvals_request_renewed_once_at_a_time",
                fields=["renews"],
                condition=Q(state__in=OPEN, renews__isnull=False),
            ),
            models.UniqueConstraint(
                name="approvals_request_grant_renewed_once_at_a_time",
                fields=["grant"],
                condition=Q(state__in=OPEN, kind=RequestKind.RENEWAL, renews__isnull=True),
            ),
            models.UniqueConstraint(
                name="approvals_request_open_once",
                fields=["scope_sha256"],
                condition=Q(state__in=OPEN),
            ),
        ]
        indexes = [
            models.Index(name="approvals_request_state", fields=["state", "id"]),
            models.Index(name="approvals_request_label", fields=["label", "id"]),
            models.Index(name="approvals_request_level", fields=["level", "id"]),
            models.Index(name="approvals_request_sent", fields=["submitted_at", "id"]),
            models.Index(name="approvals_request_ends", fields=["access_ends_at", "id"]),
            models.Index(
                name="approvals_request_running",
                fields=["access_ends_at", "id"],
                condition=Q(state=RequestState.PROVISIONED, access_ended_at__isnull=True),
            ),
            models.Index(
                name="approvals_request_step_due",
                fields=["step_due_at", "id"],
                condition=Q(state=RequestState.PENDING),
            ),
            models.Index(
                name="approvals_request_lapse",
                fields=["lapses_at", "id"],
                condition=Q(state__in=OPEN),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        return record_href("approvals:request_detail", self.pk)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


class KeyedAsk(models.Model):
    """One call of a machine that asked, by the key it chose for it. Append-only.

    The same call made again is answered with the same request, whatever became of that.
    """

    client_id = models.CharField(max_length=100)
    key = models.CharField(max_length=100)
    asked_sha256 = models.CharField(max_length=64)
    request = models.ForeignKey(AccessRequest, models.PROTECT, related_name="keyed_asks")
    joined = models.BooleanField()
    asked_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="approvals_keyedask_once_a_client", fields=["client_id", "key"]
            ),
            models.CheckConstraint(name="approvals_keyedask_has_key", condition=~Q(key="")),
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.client_id}"


class RequestNote(models.Model):
    """A question, its answer, or that somebody else asked for the same. Append-only."""

    request = models.ForeignKey(AccessRequest, models.PROTECT, related_name="notes")
    kind = models.CharField(max_length=8, choices=NoteKind)
    text = models.TextField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    author_label = models.CharField(max_length=150)
    answers = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="replies"
    )
    written_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="approvals_requestnote_kind_known", condition=Q(kind__in=NoteKind.values)
            ),
            models.CheckConstraint(name="approvals_requestnote_has_text", condition=~Q(text="")),
            models.CheckConstraint(
                name="approvals_requestnote_answers_iff_answer",
                condition=Q(kind=NoteKind.ANSWER, answers__isnull=False)
                | (~Q(kind=NoteKind.ANSWER) & Q(answers__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} on {self.request}"


class RequestProof(models.Model):
    """That what was approved is in place: somebody's words or file, or a source. Append-only."""

    request = models.ForeignKey(AccessRequest, models.PROTECT, related_name="proofs")
    text = models.TextField()
    file_name = models.CharField(max_length=200, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    file_bytes = models.PositiveIntegerField(default=0)
    source = models.ForeignKey(Source, models.PROTECT, null=True, related_name="+")
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    given_by_label = models.CharField(max_length=150)
    given_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="approvals_requestproof_says_something",
                condition=~Q(text="") | ~Q(file_sha256="") | Q(source__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Proof of {self.request}"
