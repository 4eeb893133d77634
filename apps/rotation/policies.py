"""Who may see what is due, and who may rotate it."""

from apps.core.actors import Actor
from apps.core.policies import ALLOW, Verdict, deny


def can_browse(actor: Actor) -> Verdict:
    return ALLOW if actor.role else deny("You have no role yet. A steward can give you one.")
