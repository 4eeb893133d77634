from apps.core.actors import Actor, Person, Role, System
from apps.core.policies import ALLOW, Verdict, deny
from apps.remediation.models import Order
from apps.remediation.states import OrderState


def can_browse(actor: Actor) -> Verdict:
    return ALLOW if actor.role else deny("You have no role yet. A steward can give you one.")


def can_carry_out(actor: Actor, order: Order) -> Verdict:
    """Say that an order was carried out in the source system."""
    if not isinstance(actor, Person) or actor.role not in {Role.STEWARD, Role.REVIEWER}:
        return deny("Only a steward or the people responsible carry out an order.")
    if order.state != OrderState.MANUAL_NEEDED:
        return deny(f"This order is {order.get_state_display().lower()}; nothing is left to do.")
    if order.executed_at is not None:
        return deny("Somebody said already that it was carried out. It waits for confirmation.")
    return ALLOW


def can_confirm(actor: Actor, order: Order) -> Verdict:
    """Give proof that the access is gone: somebody other than the one who removed it."""
    if not isinstance(actor, Person) or actor.role not in {Role.STEWARD, Role.REVIEWER}:
        return deny("Only a steward or the people responsible confirm an order.")
    if order.state != OrderState.MANUAL_NEEDED:
        return deny(f"This order is {order.get_state_display().lower()}.")
    if order.executed_at is None:
        return deny("Nobody has said yet that it was carried out.")
    if order.executed_by_id == actor.user.pk:
        return deny("You carried it out, so somebody else must confirm that it is gone.")
    return ALLOW


def can_except(actor: Actor, order: Order) -> Verdict:
    """Let the access stand for a while, with a reason and an end."""
    if actor.role != Role.STEWARD:
        return deny("Only a steward may make an exception.")
    if order.state not in {OrderState.MANUAL_NEEDED, OrderState.VERIFY_FAILED}:
        return deny(f"This order is {order.get_state_display().lower()}.")
    return ALLOW


def can_verify(actor: Actor) -> Verdict:
    if isinstance(actor, System) or actor.role == Role.STEWARD:
        return ALLOW
    return deny("Orders verify themselves when a newer source is imported.")
