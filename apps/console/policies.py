from apps.core.actors import Actor, Role
from apps.core.policies import ALLOW, Verdict, deny


def can_open_home(actor: Actor) -> Verdict:
    return ALLOW if actor.role else deny("You have no role yet. A steward can give you one.")


def can_search(actor: Actor) -> Verdict:
    return can_open_home(actor)


def can_read_record(actor: Actor) -> Verdict:
    if actor.role in {Role.STEWARD, Role.AUDITOR}:
        return ALLOW
    return deny(
        "Only stewards and auditors read the whole record. Each page shows its own history."
    )
