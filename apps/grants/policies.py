"""Who may do what with grants and permissions."""

from apps.core.actors import Actor, Role, reads_everything
from apps.core.policies import ALLOW, Verdict, deny
from apps.grants.models import Grant
from apps.grants.states import LIVE, GrantState
from apps.inventory.policies import AUDITORS_READ, can_browse

__all__ = [
    "can_browse",
    "can_justify",
    "can_justify_some",
    "can_override_permission",
    "can_resume",
    "can_revoke",
    "can_suspend",
]


def can_justify_some(actor: Actor) -> Verdict:
    """Open the door to justifying; `can_justify` judges each grant."""
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    if reads_everything(actor) or actor.role == Role.REVIEWER:
        return ALLOW
    return deny("Only a reviewer or a steward may justify a grant.")


def can_justify(actor: Actor, grant: Grant) -> Verdict:
    """Whoever answers for an agent that holds it. Justifying disqualifies nobody later."""
    verdict = can_justify_some(actor)
    if not verdict:
        return verdict
    if grant.state not in LIVE:
        return deny("This grant has ended; there is nothing to justify.")
    if reads_everything(actor) or Grant.objects.visible_to(actor).filter(pk=grant.pk).exists():
        return ALLOW
    return deny("Only those who answer for an agent that holds it, or a steward, may justify it.")


def _steward(actor: Actor, reason: str) -> Verdict:
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    return ALLOW if reads_everything(actor) else deny(reason)


def can_revoke(actor: Actor, grant: Grant) -> Verdict:
    """By hand only what no source shows any more: removals go through an order."""
    verdict = _steward(actor, "Only a steward may note that a grant has ended.")
    if not verdict:
        return verdict
    if grant.state not in LIVE:
        return deny("This grant has ended already.")
    if grant.stream and grant.gone_at is None and actor.role == Role.STEWARD:
        return deny("Its source still shows it. Order its removal instead.")
    return ALLOW


def can_suspend(actor: Actor, grant: Grant) -> Verdict:
    if grant.state != GrantState.ACTIVE:
        return deny("Only an active grant can be suspended.")
    return _steward(actor, "Only a steward may note that a grant is suspended.")


def can_resume(actor: Actor, grant: Grant) -> Verdict:
    if grant.state != GrantState.SUSPENDED:
        return deny("Only a suspended grant can be resumed.")
    return _steward(actor, "Only a steward may note that a grant is in force again.")


def can_override_permission(actor: Actor) -> Verdict:
    return _steward(actor, "Only a steward may classify a permission.")
