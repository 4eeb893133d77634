"""What of an agent or a run lies outside an auditor's limited seat: no package of such leaves.

A package is one whole under one proof. Where pages would hide a part of it, it is refused.
"""

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.activity.models import Event, Invocation, Link
from apps.activity.states import Kind
from apps.approvals.models import AccessRequest
from apps.core.actors import Actor
from apps.grants.models import Grant
from apps.inventory.models import Agent, Binding
from apps.inventory.querysets.scope import is_limited_auditor, seat_systems


def agents_within(actor: Actor) -> QuerySet[Agent]:
    """Agents that somebody sees with all that they ever acted as, were asked for, and did."""
    agents = _chains_within(actor)
    if not is_limited_auditor(actor):
        return agents
    calls = _calls_beyond(seat_systems(actor)).filter(invocation__agent_id=OuterRef("pk"))
    return agents.exclude(Exists(calls))


def invocations_within(actor: Actor, rows: QuerySet[Invocation]) -> QuerySet[Invocation]:
    """Of these runs those that somebody sees whole: all that was told under their ids, by whom, and
    all that is joined to it."""
    if not is_limited_auditor(actor):
        return rows
    same = {"log_id": OuterRef("log_id"), "trace_id": OuterRef("trace_id")}
    calls = _calls_beyond(seat_systems(actor)).filter(
        invocation__log_id=same["log_id"], invocation__trace_id=same["trace_id"]
    )
    chains = _chains_within(actor).values("pk")
    others = Invocation.objects.filter(**same).exclude(agent_id__in=chains)
    return rows.filter(agent_id__in=chains).exclude(
        Exists(calls) | Exists(_told_beyond(actor)) | Exists(others)
    )


def _chains_within(actor: Actor) -> QuerySet[Agent]:
    """Agents of which every binding, also an ended one, grant, and request is of the seat."""
    agents = Agent.objects.visible_to(actor)
    if not is_limited_auditor(actor):
        return agents
    systems = seat_systems(actor)
    held = Grant.objects.filter(identity=OuterRef("identity")).exclude(system__in=systems)
    asked = AccessRequest.objects.filter(agent=OuterRef("pk")).exclude(system__in=systems)
    bound = Binding.objects.filter(agent=OuterRef("pk")).filter(
        ~Q(identity__system__in=systems) | Exists(held)
    )
    return agents.exclude(Exists(bound) | Exists(asked))


def _calls_beyond(systems: list[int]) -> QuerySet[Link]:
    """Joins to calls of other systems, or by who may do something there.

    A call that the database holds no longer is told by nothing else: it counts as of another.
    """
    held = Grant.objects.filter(identity=OuterRef("identity_id")).exclude(system__in=systems)
    inside = Event.objects.filter(
        log_id=OuterRef("log_id"),
        leaf_index=OuterRef("call_leaf"),
        recorded_at=OuterRef("call_recorded_at"),
        system_id__in=systems,
    ).exclude(Exists(held))
    return Link.objects.filter(~Exists(inside))


def _told_beyond(actor: Actor) -> QuerySet[Event]:
    """What others than the agents somebody sees said under the trace of a run."""
    seen = Agent.objects.visible_to(actor).values("pk")
    told = Event.objects.filter(
        log_id=OuterRef("log_id"),
        trace_id=OuterRef("trace_id"),
        recorded_at__gte=OuterRef("first_recorded"),
        recorded_at__lte=OuterRef("last_recorded"),
    ).exclude(kind=Kind.API)
    return told.filter(Q(agent_id__isnull=True) | ~Q(agent_id__in=seen))
