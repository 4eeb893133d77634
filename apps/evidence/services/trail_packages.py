"""Packages of what agents did: one invocation, one agent in a period, or everything in it."""

from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from apps.activity.models import Invocation
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.evidence import policies
from apps.evidence.models import Package
from apps.evidence.policies import Period
from apps.evidence.querysets import PackageQuerySet
from apps.evidence.services.packages import build_start
from apps.inventory.models import Agent

LOCK = 0x7472_6C73  # "trls": whoever asks for such a package waits for whoever does too


@transaction.atomic
def invocation_package_request(
    *, invocation_id: int, with_payloads: bool = False, actor: Actor
) -> Package:
    """Ask for the package of an invocation, and return it, being built.

    Each asking makes a new one, of the moment at which it is built, unless the same is being
    built. That words were asked for is an entry of its own.
    """
    package = invocation_package_prepare(
        invocation_id=invocation_id, with_payloads=with_payloads, actor=actor
    )
    build_start(package, actor=actor)
    return package


@transaction.atomic
def invocation_package_prepare(
    *, invocation_id: int, with_payloads: bool = False, actor: Actor
) -> Package:
    run = Invocation.objects.get(pk=invocation_id)
    enforce(policies.can_export_invocation(actor, run))
    same = Package.objects.of_trace(run.trace_id)
    changes = {"invocation": (None, run.trace)}
    return _prepare(same, changes, with_payloads=with_payloads, actor=actor, trace_id=run.trace_id)


@transaction.atomic
def agent_package_request(
    *, agent_id: int, period: Period, with_payloads: bool = False, actor: Actor
) -> Package:
    """Ask for the package of what an agent did in a period, and return it, being built."""
    package = agent_package_prepare(
        agent_id=agent_id, period=period, with_payloads=with_payloads, actor=actor
    )
    build_start(package, actor=actor)
    return package


@transaction.atomic
def agent_package_prepare(
    *, agent_id: int, period: Period, with_payloads: bool = False, actor: Actor
) -> Package:
    agent = Agent.objects.get(pk=agent_id)
    enforce(policies.can_export_agent(actor, agent, period))
    _require_begun(period)
    same = Package.objects.of_agent(agent.pk, period.since, period.until)
    changes = {"agent": (None, agent.pk), **_told(period)}
    days = {"period_from": period.since, "period_to": period.until}
    return _prepare(same, changes, with_payloads=with_payloads, actor=actor, agent=agent, **days)


@transaction.atomic
def everything_package_request(
    *, period: Period, with_payloads: bool = False, actor: Actor
) -> Package:
    """Ask for the package of everything in a period, and return it, being built."""
    package = everything_package_prepare(period=period, with_payloads=with_payloads, actor=actor)
    build_start(package, actor=actor)
    return package


@transaction.atomic
def everything_package_prepare(
    *, period: Period, with_payloads: bool = False, actor: Actor
) -> Package:
    enforce(policies.can_export_everything(actor, period))
    _require_begun(period)
    same = Package.objects.of_everything(period.since, period.until)
    days = {"period_from": period.since, "period_to": period.until}
    return _prepare(
        same, _told(period), with_payloads=with_payloads, actor=actor, is_whole=True, **days
    )


def _prepare(
    same: PackageQuerySet,
    changes: dict[str, tuple[Any, Any]],
    *,
    with_payloads: bool,
    actor: Actor,
    **about: Any,
) -> Package:
    """Interim until it is built: what it tells of decides, as it stands then."""
    if with_payloads:
        enforce(policies.can_export_words(actor))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    waiting = same.filter(with_payloads=with_payloads).being_built()
    if waiting is not None:
        return waiting
    package = Package.objects.create(
        is_interim=True,
        with_payloads=with_payloads,
        requested_by=actor.user if isinstance(actor, Person) else None,
        requested_at=timezone.now(),
        **about,
    )
    record(actor=actor, verb=Verb.PACKAGE_REQUESTED, target=package, changes=changes)
    if with_payloads:
        record(actor=actor, verb=Verb.PACKAGE_WORDS_ASKED, target=package, changes=changes)
    return package


def _require_begun(period: Period) -> None:
    if period.since > period.until:
        raise DomainError("The period ends before it begins.")
    if period.since > timezone.now().date():
        raise DomainError("The period has not begun yet.")


def _told(period: Period) -> dict[str, tuple[Any, Any]]:
    return {
        "period_from": (None, period.since.isoformat()),
        "period_to": (None, period.until.isoformat()),
    }
