from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce

from apps.activity.models import Invocation
from apps.approvals.models import AccessRequest
from apps.approvals.states import OPEN, RequestState
from apps.core.actors import Actor, Person, Role, reads_everything
from apps.evidence.seats import agents_within, invocations_within
from apps.evidence.subjects import Subject
from apps.inventory.querysets.scope import is_limited_auditor, seat_systems
from apps.remediation.models import Incident
from apps.reviews.models import Campaign, ReviewItem

if TYPE_CHECKING:
    from apps.evidence.models import Package

ABOUT = ("campaign", "request", "incident__order", "period_system", "agent")


def exportable_by(actor: Actor) -> models.QuerySet[Campaign]:
    """Campaigns somebody may take away whole: every item of them lies within their seat."""
    campaigns = Campaign.objects.readable_whole_by(actor)
    if not is_limited_auditor(actor):
        return campaigns
    beyond = ReviewItem.objects.exclude(system_id__in=seat_systems(actor))
    return campaigns.exclude(Exists(beyond.filter(campaign=OuterRef("pk"))))


def requests_exportable_by(actor: Actor) -> models.QuerySet[AccessRequest]:
    """Requests somebody may take away whole: stewards all, auditors those of their seat.

    As with campaigns, what was under way within the period of a seat counts as of it.
    """
    rows = AccessRequest.objects.visible_to(actor)
    if reads_everything(actor):
        return rows
    if not isinstance(actor, Person) or actor.role != Role.AUDITOR:
        return rows.none()
    seat = actor.user.seat
    if seat.period_from:
        over = Coalesce("access_ended_at", "decided_at", "submitted_at")
        goes_on = Q(state__in=OPEN) | Q(
            state=RequestState.PROVISIONED, access_ended_at__isnull=True
        )
        rows = rows.annotate(over_at=over).filter(goes_on | Q(over_at__date__gte=seat.period_from))
    if seat.period_until:
        rows = rows.filter(submitted_at__date__lte=seat.period_until)
    return rows


def incidents_exportable_by(actor: Actor) -> models.QuerySet[Incident]:
    """Incidents somebody may take away: stewards all, auditors those of their seat."""
    rows = Incident.objects.visible_to(actor)
    if not isinstance(actor, Person) or actor.role != Role.AUDITOR:
        return rows
    seat = actor.user.seat
    if seat.period_from:
        rows = rows.filter(Q(closed_at__isnull=True) | Q(closed_at__date__gte=seat.period_from))
    if seat.period_until:
        rows = rows.filter(opened_at__date__lte=seat.period_until)
    return rows


def invocations_exportable_by(actor: Actor) -> models.QuerySet[Invocation]:
    """Invocations somebody may take away: stewards all, auditors those all within their seat."""
    rows = Invocation.objects.visible_to(actor)
    if reads_everything(actor):
        return rows
    if not isinstance(actor, Person) or actor.role != Role.AUDITOR:
        return rows.none()
    seat = actor.user.seat
    if seat.period_from:
        rows = rows.filter(ended_at__date__gte=seat.period_from)
    if seat.period_until:
        rows = rows.filter(started_at__date__lte=seat.period_until)
    return invocations_within(actor, rows)


def reads_words(actor: Actor) -> bool:
    """Whether somebody may take away what was said: stewards, and auditors whose seat says so."""
    if reads_everything(actor):
        return True
    return (
        isinstance(actor, Person)
        and actor.role == Role.AUDITOR
        and bool(actor.user.seat.sees_payloads)
    )


class PackageQuerySet(models.QuerySet["Package"]):
    def visible_to(self, actor: Actor) -> Self:
        """A package is read by whoever may read all that it tells of."""
        if reads_everything(actor):
            return self
        rows = self.filter(
            Q(campaign__in=exportable_by(actor).values("pk"))
            | Q(request__in=requests_exportable_by(actor).values("pk"))
            | Q(incident__in=incidents_exportable_by(actor).values("pk"))
            | Q(trace_id__in=self._traces_of(actor))
            | _periods_of(actor)
        )
        return rows if reads_words(actor) else rows.filter(with_payloads=False)

    def of_campaign(self, campaign_id: int) -> Self:
        return self.filter(campaign=campaign_id)

    def of_request(self, request_id: int) -> Self:
        return self.filter(request=request_id)

    def of_incident(self, incident_id: int) -> Self:
        return self.filter(incident=incident_id)

    def of_trace(self, trace_id: UUID) -> Self:
        return self.filter(trace_id=trace_id)

    def of_agent(self, agent_id: int, since: date, until: date) -> Self:
        return self.filter(agent=agent_id, period_from=since, period_to=until)

    def of_everything(self, since: date, until: date) -> Self:
        return self.filter(is_whole=True, period_from=since, period_to=until)

    def of_period(self, since: date, until: date, system_id: int | None) -> Self:
        same = {"period_from": since, "period_to": until, "period_system": system_id}
        return self.about(Subject.PERIOD)._same(same)

    def beside(self, package: "Package") -> Self:
        """The other packages about the same."""
        same = {
            "campaign": package.campaign_id,
            "request": package.request_id,
            "incident": package.incident_id,
            "trace_id": package.trace_id,
            "agent": package.agent_id,
            "is_whole": package.is_whole,
            "period_from": package.period_from,
            "period_to": package.period_to,
            "period_system": package.period_system_id,
        }
        return self._same(same).exclude(pk=package.pk)

    def about(self, subject: str) -> Self:
        told = {
            Subject.CAMPAIGN: Q(campaign__isnull=False),
            Subject.REQUEST: Q(request__isnull=False),
            Subject.INCIDENT: Q(incident__isnull=False),
            Subject.INVOCATION: Q(trace_id__isnull=False),
            Subject.AGENT: Q(agent__isnull=False),
            Subject.WHOLE: Q(is_whole=True),
        }
        of_requests = Q(period_from__isnull=False, agent__isnull=True, is_whole=False)
        return self.filter(told.get(Subject(subject), of_requests))

    def being_built(self) -> "Package | None":
        """The one of these that somebody asked for a moment ago and that is not over yet."""
        waiting = self.filter(built_at=None, job__isnull=False)
        newest: Package | None = waiting.select_related("job").order_by("pk").last()
        if newest is None or newest.job is None or newest.job.is_over:
            return None
        return newest

    def _traces_of(self, actor: Actor) -> models.QuerySet[Any, Any]:
        """Traces of the runs that the actor may take away, of those that are packaged."""
        packaged = self.model._default_manager.filter(trace_id__isnull=False).values("trace_id")
        runs = invocations_exportable_by(actor).filter(trace_id__in=packaged)
        return runs.values("trace_id")

    def _same(self, same: Mapping[str, Any]) -> Self:
        rows = self
        for name, value in same.items():
            rows = rows.filter(**({f"{name}__isnull": True} if value is None else {name: value}))
        return rows

    def built(self) -> Self:
        return self.filter(built_at__isnull=False)

    def for_table(self) -> Self:
        return self.select_related(*ABOUT, "requested_by", "job").fetch_mode(models.FETCH_RAISE)

    def with_subject(self) -> Self:
        return self.select_related(*ABOUT)

    def locked(self, pk: int) -> "Package":
        return self.select_for_update(of=["self"]).with_subject().get(pk=pk)


def _periods_of(actor: Actor) -> Q:
    """Periods that lie within an auditor's seat, in time and in systems."""
    if not isinstance(actor, Person) or actor.role != Role.AUDITOR:
        return Q(pk__in=[])
    seat, within = actor.user.seat, Q(period_from__isnull=False)
    if seat.period_from:
        within &= Q(period_from__gte=seat.period_from)
    if seat.period_until:
        within &= Q(period_to__lte=seat.period_until)
    if is_limited_auditor(actor):
        agents = agents_within(actor).values("pk")
        within &= Q(period_system__in=seat_systems(actor)) | Q(agent__in=agents)
    return within


class SampleQuerySet(models.QuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Samples somebody drew are read by whoever may read all the items they name."""
        return self.filter(campaign__in=exportable_by(actor).values("pk"))

    def of_campaign(self, campaign_id: int) -> Self:
        return self.filter(campaign=campaign_id)

    def for_table(self) -> Self:
        return self.select_related("campaign", "drawn_by").fetch_mode(models.FETCH_RAISE)
