from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.approvals.models import AccessRequest
from apps.core.links import record_href
from apps.core.models import Job
from apps.evidence.querysets import PackageQuerySet, SampleQuerySet
from apps.evidence.subjects import Subject
from apps.inventory.models import Agent, System
from apps.remediation.models import Incident
from apps.reviews.models import Campaign

NO_PERIOD = Q(period_from__isnull=True, period_to__isnull=True, period_system__isnull=True)
IN_ORDER = Q(period_from__isnull=False, period_to__isnull=False, period_from__lte=F("period_to"))
NAMED = ("agent", "campaign", "incident", "request", "trace_id")
# What agents did: a package of these alone may hold words.
OF_TRAIL = Q(trace_id__isnull=False) | Q(agent__isnull=False) | Q(is_whole=True)


def named(*subjects: str, is_whole: bool = False) -> Q:
    """Condition that a package names these and nothing else."""
    of = {f"{one}__isnull": one not in subjects for one in NAMED}
    return Q(**of, is_whole=is_whole)


def alone(subject: str) -> Q:
    """Condition that a package is about that one and nothing else."""
    return named(subject) & NO_PERIOD


class Package(models.Model):
    """A zip that an auditor can check offline. Built once by a job; never rebuilt in place.

    It is about a campaign, a request for access, an incident, the requests of a period, of one
    system or of all, an invocation, or what one agent did, or all of them, in a period. Number 0
    is the package of a campaign; what comes later is a numbered addendum. An invocation is named
    by its trace, since its row can be made anew.
    """

    campaign = models.ForeignKey(Campaign, models.PROTECT, null=True, related_name="packages")
    request = models.ForeignKey(AccessRequest, models.PROTECT, null=True, related_name="packages")
    incident = models.ForeignKey(Incident, models.PROTECT, null=True, related_name="packages")
    period_from = models.DateField(null=True)
    period_to = models.DateField(null=True)
    period_system = models.ForeignKey(System, models.PROTECT, null=True, related_name="+")
    trace_id = models.UUIDField(null=True)
    agent = models.ForeignKey(Agent, models.PROTECT, null=True, related_name="+")
    is_whole = models.BooleanField(default=False)
    with_payloads = models.BooleanField(default=False)
    number = models.PositiveIntegerField(default=0)
    is_interim = models.BooleanField()
    job = models.ForeignKey(Job, models.PROTECT, null=True, related_name="+")
    file_name = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    contents = models.JSONField(default=list)
    claims = models.JSONField(default=dict)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    requested_at = models.DateTimeField(db_default=Now())
    built_at = models.DateTimeField(null=True, editable=False)

    objects = PackageQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="evidence_package_one_subject",
                condition=alone("campaign")
                | alone("request") & Q(number=0)
                | alone("incident") & Q(number=0)
                | alone("trace_id") & Q(number=0)
                | named() & IN_ORDER & Q(number=0)
                | named("agent") & IN_ORDER & Q(number=0, period_system__isnull=True)
                | named(is_whole=True) & IN_ORDER & Q(number=0, period_system__isnull=True),
            ),
            models.CheckConstraint(
                name="evidence_package_words_of_the_trail",
                condition=Q(with_payloads=False) | OF_TRAIL,
            ),
            models.CheckConstraint(
                name="evidence_package_built_is_whole",
                condition=Q(built_at__isnull=True) | (~Q(sha256="") & ~Q(file_name="")),
            ),
            models.UniqueConstraint(
                name="evidence_package_final_once",
                fields=["campaign", "number"],
                condition=Q(is_interim=False),
            ),
        ]
        indexes = [
            models.Index(name="evidence_package_campaign", fields=["campaign", "-id"]),
            models.Index(name="evidence_package_request", fields=["request", "-id"]),
            models.Index(name="evidence_package_incident", fields=["incident", "-id"]),
            models.Index(name="evidence_package_trace", fields=["trace_id", "-id"]),
            models.Index(name="evidence_package_asked", fields=["requested_at", "id"]),
        ]

    def __str__(self) -> str:
        return f"Evidence package {self.pk} of {self.about}"

    def get_absolute_url(self) -> str:
        return record_href("evidence:package_detail", self.pk)

    @property
    def subject(self) -> Subject:
        held = (
            (Subject.CAMPAIGN, self.campaign_id),
            (Subject.REQUEST, self.request_id),
            (Subject.INCIDENT, self.incident_id),
            (Subject.INVOCATION, self.trace_id),
            (Subject.AGENT, self.agent_id),
            (Subject.WHOLE, self.is_whole or None),
        )
        return next((one for one, value in held if value is not None), Subject.PERIOD)

    @property
    def about(self) -> str:
        """What it tells of, in words."""
        if self.trace_id is not None:
            return f"Invocation {self.trace_id.hex[:8]}"
        if self.period_from is None:
            return str(self._one)
        days = f"{self.period_from} to {self.period_to}"
        if self.is_whole:
            return f"Everything of {days}"
        if self.agent_id is not None:
            return f"{self.agent}, {days}"
        where = f" on {self.period_system}" if self.period_system_id else ""
        return f"Requests of {days}{where}"

    @property
    def period(self) -> tuple[date, date] | None:
        if self.period_from is None or self.period_to is None:
            return None
        return self.period_from, self.period_to

    @property
    def about_url(self) -> str:
        """Where that stands in Countersign; a period has no page of its own."""
        one = self._one
        return one.get_absolute_url() if one is not None else ""

    @property
    def _one(self) -> Campaign | AccessRequest | Incident | Agent | None:
        return self.campaign or self.request or self.incident or self.agent

    @property
    def status(self) -> str:
        if self.number:
            return f"Addendum {self.number}"
        if self.campaign_id is None and self.built_at is None:
            return "Not built yet"
        return "Interim" if self.is_interim else "Final"


class Addendum(models.Model):
    """A late fact about a closed campaign: numbered, signed, beside the package it adds to."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="addenda")
    number = models.PositiveIntegerField()
    text = models.TextField()
    facts = models.JSONField(default=dict)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    added_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["campaign", "number"]
        constraints = [
            models.UniqueConstraint(
                name="evidence_addendum_number_once", fields=["campaign", "number"]
            ),
        ]

    def __str__(self) -> str:
        return f"Addendum {self.number} to {self.campaign}"


class Sample(models.Model):
    """A repeatable draw: n items of one population, ordered by SHA-256 of seed and item."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="samples")
    size = models.PositiveIntegerField()
    seed = models.CharField(max_length=64)
    population_count = models.PositiveIntegerField()
    population_digest = models.CharField(max_length=64)
    item_ids = models.JSONField()
    drawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    drawn_at = models.DateTimeField(db_default=Now())

    objects = SampleQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(name="evidence_sample_campaign", fields=["campaign", "-id"])]

    def __str__(self) -> str:
        return f"Sample of {self.size} from {self.campaign}"

    def get_absolute_url(self) -> str:
        return record_href("evidence:sample_detail", self.pk)


class SigningKey(models.Model):
    """The public half of a key that signs packages, and from when until when it does.

    The private half lies in a file. The history is published, so that a package signed by a
    key of the past still checks. `withdrawn_at` says that nothing it signed is to be trusted.
    """

    algorithm = models.CharField(max_length=10, default="ed25519", editable=False)
    public = models.CharField(max_length=44, unique=True)
    key_id = models.CharField(max_length=64, unique=True)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["valid_from", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="evidence_signingkey_one_current",
                fields=["algorithm"],
                condition=Q(valid_until__isnull=True),
            ),
            models.CheckConstraint(
                name="evidence_signingkey_withdrawn_is_over",
                condition=Q(withdrawn_at__isnull=True) | Q(valid_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Signing key {self.key_id[:16]}"
