"""When access ends, what has been said about that, and what may still be done."""

from dataclasses import dataclass, field
from datetime import datetime

from django.urls import reverse

from apps.approvals.models import AccessRequest, RemovalProposal
from apps.approvals.selectors.found import agents_to_ask_for
from apps.approvals.selectors.told import Told, told_about
from apps.approvals.states import OPEN, RequestKind
from apps.core.actors import Actor
from apps.grants.models import Grant
from apps.inventory.models import Agent
from apps.remediation.models import Order

TOLD = ("access-ends", "access-unused")


@dataclass(frozen=True, slots=True)
class End:
    """The end of what one request gave, or of a grant to which no request led."""

    grant: Grant
    request: AccessRequest | None
    ends_at: datetime | None
    renew_at: str
    renewal: AccessRequest | None
    proposal: RemovalProposal | None = None
    told: list[Told] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class GrantEnds:
    """Every end a grant comes to, and the orders about it that are not over."""

    orders: list[Order]
    ends: list[End]


def end_of_request(request: AccessRequest) -> End | None:
    """What a request's page says of its end; None while it is not in place."""
    if request.provisioned_at is None or request.grant is None:
        return None
    proposal = request.proposals.open().select_related("request__agent").first()
    return End(
        grant=request.grant,
        request=request,
        ends_at=request.access_ends_at,
        renew_at=reverse("approvals:request_renew", args=[request.pk]),
        renewal=request.renewals.filter(state__in=OPEN).first(),
        proposal=proposal,
        told=told_about(request, kinds=TOLD),
    )


def ends_of_grant(grant: Grant, actor: Actor) -> GrantEnds:
    running = AccessRequest.objects.visible_to(actor).running().filter(grant=grant)
    rows = running.select_related("agent", "grant").order_by("access_ends_at", "pk")
    ends = [end for request in rows if (end := end_of_request(request)) is not None]
    if grant.request_id is None and grant.expires_at is not None:
        ends.append(_end_of_grant(grant, actor))
    return GrantEnds(open_orders(grant, actor), ends)


def open_orders(grant: Grant | None, actor: Actor) -> list[Order]:
    """Orders about a grant of which something is still to come, as far as the reader may see."""
    if grant is None:
        return []
    rows = Order.objects.visible_to(actor).open_about([grant.pk])
    return list(rows.order_by("pk"))


def agent_to_renew_for(grant: Grant, actor: Actor) -> Agent | None:
    """In whose name a grant is renewed: the accountable agent, else the first bound to it."""
    return next(iter(agents_to_ask_for(grant, actor)), None)


def _end_of_grant(grant: Grant, actor: Actor) -> End:
    renewals = AccessRequest.objects.visible_to(actor).open().filter(kind=RequestKind.RENEWAL)
    return End(
        grant=grant,
        request=None,
        ends_at=grant.expires_at,
        renew_at=reverse("approvals:grant_renew", args=[grant.pk]),
        renewal=renewals.filter(grant=grant).first(),
        told=told_about(grant, kinds=TOLD),
    )
