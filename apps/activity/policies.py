"""Who reads the trail. Whose invocations they see is for `Invocation.objects.visible_to`."""

from apps.core.actors import Actor, Person, Role
from apps.core.policies import ALLOW, Verdict, deny
from apps.inventory.models import Agent


def can_browse(actor: Actor) -> Verdict:
    if actor.role in {Role.STEWARD, Role.AUDITOR, Role.REVIEWER}:
        return ALLOW
    return deny("Only those who answer for agents, and auditors, read what agents did.")


def can_sign(actor: Actor, agent: Agent) -> Verdict:
    """Sign whether what the agent did can be told: who owns it, or a steward."""
    if not isinstance(actor, Person):
        return deny("Only a person signs.")
    if actor.role == Role.STEWARD:
        return ALLOW
    if actor.role == Role.REVIEWER and actor.user.pk in {agent.owner_id, agent.technical_owner_id}:
        return ALLOW
    return deny("Only the agent's owner, its technical owner, or a steward signs.")


def can_open_payload(actor: Actor) -> Verdict:
    """Read what was said in one record, its words and results; the record notes who did."""
    is_auditor = isinstance(actor, Person) and actor.role == Role.AUDITOR
    if is_auditor and not actor.user.seat.sees_payloads:
        return deny("Your seat does not include the words of agents. A steward can grant it.")
    return can_browse(actor)
