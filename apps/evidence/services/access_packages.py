"""Packages of what was asked for: one request, or the requests of a period."""

from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from apps.approvals.models import AccessRequest
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.evidence import policies
from apps.evidence.models import Package
from apps.evidence.policies import Period
from apps.evidence.services.packages import build_start
from apps.inventory.models import System

LOCK = 0x72657173  # "reqs": whoever asks for the package of a period waits for whoever does too


@transaction.atomic
def request_package_request(*, request_id: int, actor: Actor) -> Package:
    """Ask for the package of one request, and return it, being built.

    Each asking makes a new one, of the moment at which it is built, unless one is being built.
    """
    package = request_package_prepare(request_id=request_id, actor=actor)
    build_start(package, actor=actor)
    return package


@transaction.atomic
def request_package_prepare(*, request_id: int, actor: Actor) -> Package:
    request = AccessRequest.objects.locked(request_id)
    enforce(policies.can_export_request(actor, request))
    waiting = Package.objects.of_request(request.pk).being_built()
    return waiting or _new(actor, {"request": (None, request.pk)}, request=request)


@transaction.atomic
def period_package_request(*, period: Period, actor: Actor) -> Package:
    """Ask for the package of every request asked for in a period, and return it, being built."""
    package = period_package_prepare(period=period, actor=actor)
    build_start(package, actor=actor)
    return package


@transaction.atomic
def period_package_prepare(*, period: Period, actor: Actor) -> Package:
    enforce(policies.can_export_period(actor, period))
    if period.since > period.until:
        raise DomainError("The period ends before it begins.")
    if period.since > timezone.now().date():
        raise DomainError("The period has not begun yet.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    same = Package.objects.of_period(period.since, period.until, period.system_id)
    system = System.objects.get(pk=period.system_id) if period.system_id else None
    changes = {
        "period_from": (None, period.since.isoformat()),
        "period_to": (None, period.until.isoformat()),
        "system": (None, period.system_id),
    }
    return same.being_built() or _new(
        actor,
        changes,
        period_from=period.since,
        period_to=period.until,
        period_system=system,
    )


def _new(actor: Actor, changes: dict[str, tuple[Any, Any]], **about: Any) -> Package:
    """Interim until it is built: what it tells of decides, as it stands then."""
    package = Package.objects.create(
        is_interim=True,
        requested_by=actor.user if isinstance(actor, Person) else None,
        requested_at=timezone.now(),
        **about,
    )
    record(actor=actor, verb=Verb.PACKAGE_REQUESTED, target=package, changes=changes)
    return package
