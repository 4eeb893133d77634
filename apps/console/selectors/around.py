"""Everything around one record: what was done about it, and what came in of whom it is about."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db.models import Model, Q
from django.urls import reverse
from django.utils import timezone

from apps.activity.models import Event, Invocation, Link, Nameless
from apps.activity.querysets.seats import in_period_of
from apps.activity.selectors.naming import names_beside
from apps.activity.selectors.searching import FoundRow, in_time, rows_of
from apps.activity.states import Kind
from apps.audit.models import AuditEntry
from apps.console.timelines import PAGES, page_of, timeline_of
from apps.core.actors import Actor, Role
from apps.findings.models import Finding
from apps.grants.models import Grant
from apps.inventory.models import Agent, Binding, Credential, Identity, System
from apps.issuing.models import Issuance
from apps.remediation.models import Order

SPANS = {"10m": timedelta(minutes=10), "1h": timedelta(hours=1), "1d": timedelta(days=1)}
USUAL = "1h"
# A record of the trail, by its place in the log.
RECORD = "activity.event"
# Nothing comes in before it happened, but for clocks that differ; what is later than a month is
# found by a search alone.
SKEW, LATE = timedelta(days=1), timedelta(days=31)
MOST = 100


@dataclass(frozen=True, slots=True)
class Around:
    """`entries` and `rows` lie within one span of `at` on either side, the newest first.

    `looked_until` is set where more may have come in since: what did is found by a search alone.
    """

    subject: Model
    kind: str
    href: str
    at: datetime
    span: str
    since: datetime
    until: datetime
    entries: list[AuditEntry]
    rows: list[FoundRow]
    has_trail: bool
    looked_until: datetime | None


@dataclass(frozen=True, slots=True)
class Near:
    """For whom, and between which times, records are looked for."""

    actor: Actor
    since: datetime
    until: datetime

    @property
    def recorded(self) -> tuple[datetime, datetime]:
        """Between which times they came in."""
        return self.since - SKEW, self.until + LATE


def around_of(
    kind: str, pk: int, actor: Actor, *, at: datetime | None = None, span: str = USUAL
) -> Around | None:
    """None if there is no such record for this reader, or none that has a page.

    Raises `UnclearSearch` where too much came in to be read soon.
    """
    subject = _subject(kind, pk, actor)
    if subject is None:
        return None
    moment = at or _moment_of(subject)
    since, until = moment - SPANS[span], moment + SPANS[span]
    whose, near = WHOSE.get(type(subject)), Near(actor, since, until)
    href = page_of(kind, pk, actor)
    return Around(
        subject=subject,
        kind=kind,
        href=reverse("activity:record_detail", args=[pk]) if kind == RECORD else href,
        at=moment,
        span=span,
        since=since,
        until=until,
        entries=_entries(subject, actor, since, until),
        rows=_rows(whose(subject, near), near) if whose else [],
        has_trail=whose is not None,
        looked_until=until + LATE if whose and until + LATE < timezone.now() else None,
    )


def _subject(kind: str, pk: int, actor: Actor) -> Model | None:
    if kind == RECORD:
        rows = Event.objects.in_trail().visible_to(actor)
        return rows.filter(leaf_index=pk).first() if pk < 2**63 else None
    if kind not in PAGES:
        return None
    model: Any = apps.get_model(kind)
    found: Model | None = model._default_manager.visible_to(actor).filter(pk=pk).first()
    return found


def _moment_of(subject: Model) -> datetime:
    """When it was that a record tells of; now, for those that last."""
    field = MOMENTS.get(type(subject))
    moment: datetime = getattr(subject, field) if field else timezone.now()
    return moment


def _entries(subject: Model, actor: Actor, since: datetime, until: datetime) -> list[AuditEntry]:
    """Of whoever may read the whole record, also what belongs to it; else its own history.

    Of a record of the trail, which nobody can change, that of whose it is.
    """
    if isinstance(subject, Event):
        who = _whose(subject, actor)
        return _entries(who, actor, since, until) if who else []
    if actor.role in {Role.STEWARD, Role.AUDITOR}:
        rows = timeline_of(subject._meta.label_lower, subject.pk, actor=actor)
    else:
        rows = AuditEntry.objects.about(subject, actor)
    within = rows.filter(occurred_at__gte=since, occurred_at__lte=until)
    return list(within.order_by("-pk")[:MOST])


def _whose(event: Event, actor: Actor) -> Model | None:
    if event.kind != Kind.API:
        return Agent.objects.visible_to(actor).filter(pk=_teller(event) or 0).first()
    if event.credential_id:
        return Credential.objects.visible_to(actor).filter(pk=event.credential_id).first()
    return Identity.objects.visible_to(actor).filter(pk=event.identity_id or 0).first()


def _teller(event: Event) -> int | None:
    """Whose a told record is, also where that is known by its run alone."""
    known = names_beside([event]).get(event.leaf_index)
    return known.pk if known else event.agent_id


def _rows(whose: Q, near: Near) -> list[FoundRow]:
    rows = Event.objects.in_trail().filter(whose).recorded_between(*near.recorded)
    rows = rows.filter(happened_at__range=(near.since, near.until)).visible_to(near.actor)
    with in_time():
        found = list(rows.order_by("-happened_at", "-leaf_index")[:MOST])
    return rows_of(found, near.actor)


def _of_agent(agent_id: int | None, near: Near) -> Q:
    """What it said, and what the identities that it acts as did."""
    bound = Binding.objects.live().filter(agent=agent_id)
    did = Q(identity_id__in=list(bound.values_list("identity", flat=True)))
    if not agent_id:
        return did
    return did | Q(agent_id=agent_id) | Q(leaf_index__in=_found_of(agent_id, near))


def _found_of(agent_id: int, near: Near) -> list[int]:
    """The newest of what is known to be its by the run alone: as many as are shown at most, so
    that an index finds them, and not all that ever was."""
    found = Nameless.objects.filter(
        agent_id=agent_id,
        happened_at__range=(near.since, near.until),
        recorded_at__range=near.recorded,
    )
    newest = in_period_of(near.actor, found, "happened_at").order_by("-happened_at", "-leaf_index")
    return list(newest.values_list("leaf_index", flat=True)[:MOST])


def _of_run(run: Invocation, near: Near) -> Q:
    joined = Link.objects.filter(invocation=run).values_list("call_leaf", flat=True)
    told = Q(trace_id=run.trace_id) | Q(leaf_index__in=list(joined[:MOST]))
    return told | _of_agent(run.agent_id, near) if run.agent_id else told


def _of_record(event: Event, near: Near) -> Q:
    """Of what an agent said its run and all else it did; of a call what its identity did, and the
    runs that it is joined to."""
    if event.kind != Kind.API:
        told = Q(trace_id=event.trace_id) if event.trace_id else Q(pk__in=[])
        whose = _teller(event)
        return told | _of_agent(whose, near) if whose else told
    links = Link.objects.filter(log_id=event.log_id, call_leaf=event.leaf_index)
    runs = Q(trace_id__in=list(links.values_list("invocation__trace_id", flat=True)[:MOST]))
    if event.identity_id:
        return runs | Q(identity_id=event.identity_id)
    return runs | Q(system_id=event.system_id)


def _of_finding(finding: Finding, near: Near) -> Q:
    if finding.subject_type in ABOUT:
        return Q(**{ABOUT[finding.subject_type]: finding.subject_id})
    if finding.agent_id:
        return _of_agent(finding.agent_id, near)
    return Q(system_id=finding.system_id)


def _of_order(order: Order, near: Near) -> Q:
    if order.credential_id:
        return Q(credential_id=order.credential_id)
    return Q(identity_id=order.grant.identity_id if order.grant else None)


MOMENTS: dict[type[Model], str] = {
    Event: "happened_at",
    Invocation: "started_at",
    Finding: "opened_at",
    Order: "decided_at",
    Issuance: "issued_at",
}
ABOUT = {"inventory.credential": "credential_id", "inventory.identity": "identity_id"}
WHOSE: dict[type[Model], Callable[[Any, Near], Q]] = {
    Agent: lambda one, near: _of_agent(one.pk, near),
    Identity: lambda one, near: Q(identity_id=one.pk),
    Credential: lambda one, near: Q(credential_id=one.pk),
    System: lambda one, near: Q(system_id=one.pk),
    Grant: lambda one, near: Q(identity_id=one.identity_id),
    Issuance: lambda one, near: _of_agent(one.agent_id, near),
    Event: _of_record,
    Invocation: _of_run,
    Finding: _of_finding,
    Order: _of_order,
}
