"""Ends as pages show them: beside each what the reader may do about it."""

from dataclasses import dataclass

from apps.approvals import policies
from apps.approvals.selectors.ending import End, agent_to_renew_for
from apps.core.actors import Actor
from apps.core.policies import ALLOW, Verdict, deny

NO_AGENT = deny("No agent that you answer for acts as its identity.")


@dataclass(frozen=True, slots=True)
class ShownEnd:
    end: End
    may_renew: Verdict
    may_answer: Verdict


def shown_end(end: End | None, actor: Actor) -> ShownEnd | None:
    if end is None:
        return None
    proposal = end.proposal
    may_answer = policies.can_answer_proposal(actor, proposal) if proposal else ALLOW
    return ShownEnd(end, _may_renew(end, actor), may_answer)


def _may_renew(end: End, actor: Actor) -> Verdict:
    if end.request is not None:
        return policies.can_renew(actor, end.request)
    verdict = policies.can_renew_grant(actor, end.grant)
    return verdict if not verdict or agent_to_renew_for(end.grant, actor) else NO_AGENT
