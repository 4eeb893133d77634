from dataclasses import dataclass
from datetime import date

from apps.activity.models import Invocation
from apps.approvals.models import AccessRequest
from apps.core.actors import Actor, Person, Role, System
from apps.core.policies import ALLOW, Verdict, deny
from apps.evidence.models import Package
from apps.evidence.querysets import (
    exportable_by,
    incidents_exportable_by,
    invocations_exportable_by,
    reads_words,
    requests_exportable_by,
)
from apps.evidence.seats import agents_within
from apps.inventory.models import Agent
from apps.inventory.querysets.scope import is_limited_auditor, seat_systems
from apps.remediation.models import Incident
from apps.reviews.models import Campaign
from apps.reviews.states import AFTER_LAUNCH, CampaignState

BEYOND = (
    "Parts of this lie on systems outside your seat, and a package is one whole. "
    "Read what your seat covers here, or ask a steward for a seat that covers the rest."
)


def can_browse(actor: Actor) -> Verdict:
    """Evidence is for those who read campaigns whole."""
    if isinstance(actor, System) or actor.role in {Role.STEWARD, Role.AUDITOR}:
        return ALLOW
    return deny("Only stewards and auditors read evidence.")


def can_export(actor: Actor, campaign: Campaign) -> Verdict:
    if not (reader := can_browse(actor)):
        return reader
    if campaign.state == CampaignState.CANCELLED:
        return deny("A cancelled campaign is no evidence of a review.")
    if campaign.state not in AFTER_LAUNCH:
        return deny("The campaign has not been launched, so there is nothing to export yet.")
    if not exportable_by(actor).filter(pk=campaign.pk).exists():
        return deny("The campaign covers systems or a time outside your seat.")
    return ALLOW


def can_export_request(actor: Actor, request: AccessRequest) -> Verdict:
    if not (reader := can_browse(actor)):
        return reader
    if not requests_exportable_by(actor).filter(pk=request.pk).exists():
        return deny("The request is of a system or a time outside your seat.")
    return ALLOW


def can_export_incident(actor: Actor, incident: Incident) -> Verdict:
    if not (reader := can_browse(actor)):
        return reader
    if not incidents_exportable_by(actor).filter(pk=incident.pk).exists():
        return deny("The incident is of a system or a time outside your seat.")
    return ALLOW


@dataclass(frozen=True, slots=True)
class Period:
    """From a day to another, both whole and in UTC; of one system, or of all."""

    since: date
    until: date
    system_id: int | None = None


def can_export_period(actor: Actor, period: Period) -> Verdict:
    if not (reader := can_browse(actor)):
        return reader
    if not (within := _within_seat(actor, period)):
        return within
    if is_limited_auditor(actor) and period.system_id not in seat_systems(actor):
        return deny("Choose one of the systems of your seat.")
    return ALLOW


def can_export_invocation(actor: Actor, invocation: Invocation) -> Verdict:
    if not (reader := can_browse(actor)):
        return reader
    if not invocations_exportable_by(actor).filter(pk=invocation.pk).exists():
        if Invocation.objects.visible_to(actor).filter(pk=invocation.pk).exists():
            return deny(BEYOND)
        return deny("The invocation is of an agent or a time outside your seat.")
    return ALLOW


def can_package_agent(actor: Actor, agent: Agent) -> Verdict:
    """Whether what an agent did may leave in a package, whatever the period."""
    if not (reader := can_browse(actor)):
        return reader
    if not Agent.objects.visible_to(actor).filter(pk=agent.pk).exists():
        return deny("The agent is of systems outside your seat.")
    if not agents_within(actor).filter(pk=agent.pk).exists():
        return deny(BEYOND)
    return ALLOW


def can_export_agent(actor: Actor, agent: Agent, period: Period) -> Verdict:
    if not (whole := can_package_agent(actor, agent)):
        return whole
    return _within_seat(actor, period)


def can_export_everything(actor: Actor, period: Period) -> Verdict:
    if not (reader := can_browse(actor)):
        return reader
    if is_limited_auditor(actor):
        return deny("Your seat is limited to systems, and everything is more than those.")
    return _within_seat(actor, period)


def can_export_words(actor: Actor) -> Verdict:
    """Take away what was told, decided, and answered, word by word."""
    if not (reader := can_browse(actor)):
        return reader
    if not reads_words(actor):
        return deny("Your seat does not let you read what was said.")
    return ALLOW


def _within_seat(actor: Actor, period: Period) -> Verdict:
    if not isinstance(actor, Person) or actor.role != Role.AUDITOR:
        return ALLOW
    seat = actor.user.seat
    if (seat.period_from and period.since < seat.period_from) or (
        seat.period_until and period.until > seat.period_until
    ):
        return deny("The period reaches beyond that of your seat.")
    return ALLOW


def can_sample(actor: Actor, campaign: Campaign) -> Verdict:
    return can_export(actor, campaign)


def can_download(actor: Actor, package: Package) -> Verdict:
    if not (reader := can_browse(actor)):
        return reader
    if package.built_at is None:
        return deny("The package is not built yet.")
    return ALLOW
