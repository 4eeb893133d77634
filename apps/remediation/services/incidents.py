"""After a kill: what the credential did and made since it was exposed, and taking that back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction
from django.utils import timezone

from apps.audit.services import Fact, record, record_many
from apps.audit.verbs import Verb
from apps.connectors.adapters.live import Adapter, Call, Capability, Made, ProviderError
from apps.connectors.services.adapters import adapter_of
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.jobs import job_start
from apps.core.models import Job
from apps.core.policies import enforce
from apps.inventory.models import Credential
from apps.inventory.services.reasons import required_reason
from apps.remediation import policies
from apps.remediation.models import Incident, IncidentCall, IncidentMade, Order
from apps.remediation.services.planning import OrderRequest, orders_plan
from apps.remediation.states import INCIDENT_MOVES, IncidentState, OrderKind
from apps.remediation.subjects import subject_of

MOST_CALLS = 20_000
# Logs arrive late; after this long nothing more is expected.
READ_FOR = timedelta(days=7)
READ_EVERY = timedelta(minutes=15)
# Systems let their logs be read a few times a second: many kills are told one after another.
MOST_READ_AT_ONCE = 20
MOST_READ_DUE = 100
NO_LOG = "No connection reads a log there, so what it did is not known."


def incident_open(
    *, order: Order, credential: Credential, exposed_since: datetime, actor: Actor
) -> Incident:
    """Open the incident of a kill, and have its log read. Call inside the kill's transaction."""
    incident = Incident.objects.create(
        credential=credential, order=order, exposed_since=exposed_since
    )
    record(
        actor=actor,
        verb=Verb.INCIDENT_OPENED,
        target=incident,
        changes={"state": (None, incident.state)},
        reason=order.reason,
    )
    _have_read(incident, actor)
    return incident


def exposure_of(credential: Credential) -> datetime:
    """Since when others may have had a credential, where nobody says: since it was issued."""
    return credential.issued_at or credential.first_seen_at


def incidents_open(*, orders: Sequence[Order], actor: Actor) -> None:
    """Open the incident of every kill among these orders. Call inside the kills' transaction.

    The logs of the first few are read at once, the others by the schedule.
    """
    kills = [order for order in orders if order.kind == OrderKind.KILL]
    incidents = Incident.objects.bulk_create(
        [
            Incident(
                credential_id=order.credential_id,
                order=order,
                exposed_since=order.exposed_since or order.decided_at,
            )
            for order in kills
            if order.credential_id is not None
        ],
        batch_size=1000,
    )
    record_many(
        actor=actor,
        verb=Verb.INCIDENT_OPENED,
        facts=[Fact(one, {"state": (None, one.state)}, one.order.reason) for one in incidents],
    )
    for incident in incidents[:MOST_READ_AT_ONCE]:
        _have_read(incident, actor)


@transaction.atomic
def incident_read_again(*, incident_id: int, actor: Actor) -> Job:
    """Have the log read once more."""
    incident = Incident.objects.locked(incident_id)
    enforce(policies.can_end_credentials(actor))
    return _have_read(incident, actor)


def incidents_read_due(*, actor: Actor) -> int:
    """Have the logs of open incidents read again, as long as something may still arrive.

    So many at once as one run can ask for: those not read for longest, the others next time.
    """
    now = timezone.now()
    due = Incident.objects.to_read_at(now - READ_EVERY, opened_after=now - READ_FOR)
    return len([_have_read(incident, actor) for incident in due[:MOST_READ_DUE]])


def _have_read(incident: Incident, actor: Actor) -> Job:
    return job_start(
        kind="remediation.incident",
        task="remediation.read_incident",
        subject=incident,
        actor=actor,
    )


def incident_read(*, incident_id: int) -> str:
    """Read what the credential did and made since. Twice keeps nothing twice."""
    incident = Incident.objects.for_table().get(pk=incident_id)
    now = timezone.now()
    subject, since = subject_of(incident.credential), incident.exposed_since
    try:
        adapter = _adapter(incident)
        if adapter is None:
            Incident.objects.filter(pk=incident_id).update(problem=NO_LOG, read_at=now)
            return NO_LOG
        calls = list(islice(adapter.calls(subject, since=since), MOST_CALLS + 1))
        made = adapter.made_with(subject, since=since)
    except (ProviderError, DomainError) as error:
        Incident.objects.filter(pk=incident_id).update(problem=str(error), read_at=now)
        raise DomainError(str(error)) from error
    _keep_calls(incident, calls[:MOST_CALLS])
    _keep_made(incident, made)
    Incident.objects.filter(pk=incident_id).update(
        problem="",
        read_at=now,
        complete_until=adapter.log_complete_until(now),
        is_cut=len(calls) > MOST_CALLS,
    )
    return f"Read {min(len(calls), MOST_CALLS)} calls; {len(made)} things were made."


@transaction.atomic
def incident_take_back(*, incident_id: int, reason: str, actor: Actor) -> Order:
    """Take back everything that was made with the credential and was not yet: one order for all."""
    incident = Incident.objects.locked(incident_id)
    enforce(policies.can_end_credentials(actor))
    left = list(incident.made.filter(order__isnull=True).exclude(steps=[]))
    if not left:
        raise DomainError("Nothing that was made with it is left to take back.")
    request = OrderRequest(
        kind=OrderKind.TAKE_BACK,
        label=f"what was made with {incident.credential.external_id}"[:400],
        reason=required_reason(reason, "it is taken back"),
        decided_at=timezone.now(),
        credential_id=incident.credential_id,
        decided_by_id=actor.user.pk if isinstance(actor, Person) else None,
        target={"steps": [step for one in left for step in one.steps]},
    )
    order = orders_plan(requests=[request], actor=actor)[0]
    IncidentMade.objects.filter(pk__in=[one.pk for one in left]).update(order=order)
    return order


@transaction.atomic
def incident_close(*, incident_id: int, reason: str, actor: Person) -> Incident:
    """Say that nothing is left to do about it. Its log is read no more."""
    incident = Incident.objects.locked(incident_id)
    enforce(policies.can_close_incident(actor, incident))
    before = incident.state
    INCIDENT_MOVES.check(before, IncidentState.CLOSED)
    incident.state, incident.closed_at = IncidentState.CLOSED, timezone.now()
    incident.save(update_fields=["state", "closed_at"])
    record(
        actor=actor,
        verb=Verb.INCIDENT_CLOSED,
        target=incident,
        changes={"state": (before, incident.state)},
        reason=required_reason(reason, "it is closed"),
    )
    return incident


def _adapter(incident: Incident) -> Adapter | None:
    connection = incident.order.connection
    if connection is None:
        return None
    adapter = adapter_of(connection)
    return adapter if Capability.LOG in adapter.capabilities else None


def _keep_calls(incident: Incident, calls: Sequence[Call]) -> None:
    IncidentCall.objects.bulk_create(
        (
            IncidentCall(
                incident=incident,
                event_id=call.event_id[:100],
                at=call.at,
                service=call.service[:100],
                name=call.name[:200],
                address=call.address[:100],
                client=call.client[:300],
                error=call.error[:200],
                resource=call.resource[:400],
                read_only=call.read_only,
            )
            for call in calls
        ),
        ignore_conflicts=True,
        batch_size=1000,
    )


def _keep_made(incident: Incident, made: Sequence[Made]) -> None:
    IncidentMade.objects.bulk_create(
        (
            IncidentMade(
                incident=incident,
                kind=one.kind[:40],
                name=one.name[:300],
                at=one.at,
                event_id=one.event_id[:100],
                address=one.address[:100],
                steps=[step.told() for step in one.steps],
            )
            for one in made
        ),
        ignore_conflicts=True,
    )
