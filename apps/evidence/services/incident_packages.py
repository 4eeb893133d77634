"""Packages of incidents: what a killed credential did, and what was done about it."""

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.policies import enforce
from apps.evidence import policies
from apps.evidence.models import Package
from apps.evidence.services.packages import build_start
from apps.remediation.models import Incident


@transaction.atomic
def incident_package_request(*, incident_id: int, actor: Actor) -> Package:
    """Ask for the package of an incident, and return it, being built.

    Each asking makes a new one, of the moment at which it is built, unless one is being built.
    """
    package = incident_package_prepare(incident_id=incident_id, actor=actor)
    build_start(package, actor=actor)
    return package


@transaction.atomic
def incident_package_prepare(*, incident_id: int, actor: Actor) -> Package:
    incident = Incident.objects.locked(incident_id)
    enforce(policies.can_export_incident(actor, incident))
    waiting = Package.objects.of_incident(incident.pk).being_built()
    return waiting or _new(incident, actor)


def _new(incident: Incident, actor: Actor) -> Package:
    """Interim until it is built: how the incident stands then decides."""
    package = Package.objects.create(
        incident=incident,
        is_interim=True,
        requested_by=actor.user if isinstance(actor, Person) else None,
        requested_at=timezone.now(),
    )
    record(
        actor=actor,
        verb=Verb.PACKAGE_REQUESTED,
        target=package,
        changes={"incident": (None, incident.pk)},
    )
    return package
