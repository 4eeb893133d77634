"""Who reads the trail. Whose invocations they see is for `Invocation.objects.visible_to`."""

from apps.core.actors import Actor, Person, Role, System
from apps.core.policies import ALLOW, Verdict, deny


def can_browse(actor: Actor) -> Verdict:
    if actor.role in {Role.STEWARD, Role.AUDITOR, Role.REVIEWER}:
        return ALLOW
    return deny("Only those who answer for agents, and auditors, read what agents did.")


def can_open_payload(actor: Actor) -> Verdict:
    """Read what was said in one record, its words and results; the record notes who did."""
    if isinstance(actor, Person) and actor.role == Role.AUDITOR:
        if actor.user.seat.sees_payloads:
            return ALLOW
        return deny("Your seat does not include the words of agents. A steward can grant it.")
    return can_browse(actor)


def can_browse_logs(actor: Actor) -> Verdict:
    """See which systems' logs are read, and what could not be."""
    if isinstance(actor, System) or actor.role in {Role.STEWARD, Role.AUDITOR}:
        return ALLOW
    return deny("Only stewards and auditors see which logs are read.")


def can_bring_logs(actor: Actor) -> Verdict:
    if isinstance(actor, System) or actor.role == Role.STEWARD:
        return ALLOW
    return deny("Only a steward brings in logs.")
