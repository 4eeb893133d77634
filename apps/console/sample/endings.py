"""Access that runs out, access that nobody uses, and an emergency of the past."""

from datetime import timedelta

from django.db import models
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import User
from apps.approvals.models import AccessRequest, BreakGlass, Group
from apps.approvals.services.break_glass import (
    Emergency,
    break_glass_end,
    break_glass_review,
    break_glass_take,
)
from apps.approvals.services.policies import group_change
from apps.approvals.services.telling import ends_tell
from apps.approvals.services.unused import proposals_make
from apps.approvals.states import BreakGlassVerdict, GroupKey
from apps.console.sample.requests import Case, actions_like, as_person, missing, request_of
from apps.core.actors import Actor, Person
from apps.grants.models import Grant
from apps.inventory.models import Agent
from apps.remediation.models import Order
from apps.remediation.services.orders import Proof, order_carried_out, order_confirm

NAMED = {
    GroupKey.BREAK_GLASS: ("Who may take access in an emergency.", ("reliability", "platform")),
    GroupKey.ON_CALL: ("Who is paged when something cannot wait.", ("delivery", "administrator")),
}
STOOD_STILL = "Every summary of the outage failed: the bot could not write where it is read."
MENDED = "The outage is over and the summaries are posted."
LOOKED = "I read the chat and the log: four messages were written, all of them summaries."


def endings_load(*, people: dict[str, User], actor: Person, system: Actor) -> None:
    """Through the services, and then dated back: what only days bring about is there at once."""
    _name(people, actor)
    _about_to_end(people, actor)
    _unused(people, actor)
    ends_tell(moment=timezone.now(), actor=system)
    proposals_make(moment=timezone.now(), actor=system)
    _emergency(people)


def _name(people: dict[str, User], actor: Person) -> None:
    for key, (purpose, names) in NAMED.items():
        group_change(
            group_id=Group.objects.get(key=key).pk,
            purpose=purpose,
            members=[people[name] for name in names],
            reason="Those who are reached at night.",
            actor=actor,
        )


def _placed(agent: str, people: dict[str, User], actor: Person, days: int) -> AccessRequest:
    request = request_of(Agent.objects.get(name=agent), "write", people, days=days)
    Case(people, request, actor).place()
    request.refresh_from_db()
    return request


def _about_to_end(people: dict[str, User], actor: Person) -> None:
    """Asked for thirty days, twenty-eight of them gone."""
    _date_back(_placed("escalation-watcher", people, actor, 30), 28)


def _unused(people: dict[str, User], actor: Person) -> None:
    """In place for five weeks, and its source tells of no use."""
    request = _placed("chargeback-clerk", people, actor, 90)
    _date_back(request, 35)
    Grant.objects.filter(access_requests=request).update(use_is_known=True, last_used_at=None)


def _emergency(people: dict[str, User]) -> None:
    """Taken at night by who was named for it, ended, removed, and reviewed; three weeks ago."""
    agent = Agent.objects.get(name="incident-scribe")
    identity, permission = missing(agent, "write")
    taker, removes = as_person(people["reliability"]), as_person(people["administrator"])
    emergency = Emergency(
        agent_id=agent.pk,
        identity_id=identity.pk,
        service=permission.service,
        actions=actions_like(permission),
        reason=STOOD_STILL,
        hours=2,
        ticket="INC-118",
    )
    use = break_glass_take(emergency=emergency, actor=taker).use
    break_glass_end(use_id=use.pk, reason=MENDED, actor=taker)
    order = Order.objects.get(grant=use.grant)
    order_carried_out(order_id=order.pk, proof=Proof("Taken out of the role."), actor=removes)
    security = as_person(people["security"])
    order_confirm(order_id=order.pk, proof=Proof("The role no longer lists it."), actor=security)
    break_glass_review(
        use_id=use.pk, verdict=BreakGlassVerdict.WARRANTED, review=LOOKED, actor=security
    )
    _back(BreakGlass, use.pk, 21, "taken_at", "ends_at", "ended_at", "review_due_at", "reviewed_at")
    _back(Grant, use.grant_id, 21, "first_seen_at", "expires_at", "ended_at")
    _back(Order, order.pk, 21, "decided_at", "due_at", "executed_at", "verified_at")


def _date_back(request: AccessRequest, days: int) -> None:
    _back(AccessRequest, request.pk, days, "provisioned_at", "access_ends_at")
    _back(Grant, request.grant_id, days, "first_seen_at", "expires_at")


def _back(model: type[models.Model], pk: int | None, days: int, *fields: str) -> None:
    """Moments are no state, so no entry is owed."""
    back = timedelta(days=days)
    rows = model._default_manager.filter(pk=pk)
    rows.update(**{field: F(field) - back for field in fields})
