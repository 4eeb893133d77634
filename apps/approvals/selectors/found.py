"""Write access that a source shows and nothing here explains, and who may say a word on it."""

from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Exists, Min, OuterRef, Q

from apps.approvals.models import AccessRequest, BreakGlass
from apps.core.actors import Actor, Person
from apps.grants.models import Grant
from apps.grants.querysets.grants import GrantQuerySet
from apps.inventory.models import Agent, Source
from apps.inventory.states import AgentState

GIVEN_TO = (AgentState.ACTIVE, AgentState.PROPOSED)


def unexplained(rows: GrantQuerySet) -> GrantQuerySet:
    """Write and admin held now to which neither a running request nor an emergency led."""
    running = AccessRequest.objects.running().filter(grant=OuterRef("pk"))
    uses = BreakGlass.objects.lingering().filter(grant=OuterRef("pk"))
    held = rows.present().writing().service_linked(linked=False)
    return held.filter(~Exists(running), ~Exists(uses))


def brought_later(rows: GrantQuerySet, now: datetime) -> GrantQuerySet:
    """Grants that a source showed for the first time after the first reading of their stream.

    What the first reading brought was there before anybody could ask for it here. There are few
    streams, so each is named with its moment and the indexes on stream and first sight serve;
    without any reading nothing was brought later than now.
    """
    streams = Source.objects.order_by().values_list("stream").annotate(began=Min("read_at"))
    began = dict(streams)
    later = rows.filter(first_seen_at__gt=min(began.values(), default=now))
    if not began:
        return later
    return later.filter(reduce(or_, (Q(stream=s, first_seen_at__gt=at) for s, at in began.items())))


def is_explained(grant: Grant) -> bool:
    """Whether a running request or an emergency led to a grant."""
    return (
        AccessRequest.objects.running().filter(grant=grant).exists()
        or BreakGlass.objects.lingering().filter(grant=grant).exists()
    )


def answerable_by(actor: Actor) -> GrantQuerySet:
    """Grants whose requests somebody may look at: those they see, and those of their systems."""
    visible = Grant.objects.visible_to(actor)
    if not isinstance(actor, Person) or not actor.role:
        return visible
    return Grant.objects.filter(Q(pk__in=visible.values("pk")) | Q(system__owner=actor.user))


def agents_to_ask_for(grant: Grant, actor: Actor) -> list[Agent]:
    """In whose name somebody may ask for a grant: agents that may be given something first.

    Of those the accountable one.
    """
    accountable = grant.identity.accountable_agent_id
    bound = Agent.objects.visible_to(actor).filter(
        bindings__identity=grant.identity_id, bindings__ended_at__isnull=True
    )
    agents = bound.distinct().order_by("pk")
    return sorted(agents, key=lambda one: (one.state not in GIVEN_TO, one.pk != accountable))
