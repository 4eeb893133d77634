"""Who reads the trail. Whose invocations they see is for `Invocation.objects.visible_to`."""

from apps.core.actors import Actor, Role
from apps.core.policies import ALLOW, Verdict, deny


def can_browse(actor: Actor) -> Verdict:
    if actor.role in {Role.STEWARD, Role.AUDITOR, Role.REVIEWER}:
        return ALLOW
    return deny("Only those who answer for agents, and auditors, read what agents did.")


def can_open_payload(actor: Actor) -> Verdict:
    """Read what was said in one record, its words and results; the record notes who did."""
    return can_browse(actor)
