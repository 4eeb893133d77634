"""What the reader may do about access that no request explains."""

from dataclasses import dataclass

from apps.approvals import policies
from apps.approvals.selectors.found import agents_to_ask_for, unexplained
from apps.approvals.views.shown_ends import NO_AGENT
from apps.core.actors import Actor
from apps.core.policies import Verdict
from apps.grants.models import Grant


@dataclass(frozen=True, slots=True)
class WaysOut:
    """Ask for its approval, or order its removal."""

    may_ask: Verdict
    may_remove: Verdict


def ways_out(grant: Grant, actor: Actor) -> WaysOut | None:
    """None where nothing has to be done: it is explained, over, or for reading alone."""
    if not unexplained(Grant.objects.filter(pk=grant.pk)).exists():
        return None
    return WaysOut(_may_ask(grant, actor), policies.can_order_removal(actor, grant))


def _may_ask(grant: Grant, actor: Actor) -> Verdict:
    verdict = policies.can_ask_for_found(actor, grant)
    if not verdict:
        return verdict
    agent = next(iter(agents_to_ask_for(grant, actor)), None)
    return policies.can_ask(actor, agent) if agent is not None else NO_AGENT
