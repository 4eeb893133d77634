from django.db.models import Q
from django.utils import timezone

from apps.core.actors import Actor, Machine, Person, Role, System
from apps.core.policies import ALLOW, Verdict, deny
from apps.inventory.models import Agent, Credential
from apps.inventory.states import CREDENTIAL_OVER, REPORT_LEAKS, AgentState
from apps.remediation.models import Batch, Incident, Order
from apps.remediation.states import (
    UNDO_FOR,
    BatchState,
    IncidentState,
    OrderKind,
    OrderState,
    StepStatus,
)


def can_browse(actor: Actor) -> Verdict:
    return ALLOW if actor.role else deny("You have no role yet. A steward can give you one.")


def can_carry_out(actor: Actor, order: Order) -> Verdict:
    """Say that an order was carried out in the source system."""
    if not isinstance(actor, Person) or actor.role not in {Role.STEWARD, Role.REVIEWER}:
        return deny("Only a steward or the people responsible carry out an order.")
    if order.state != OrderState.MANUAL_NEEDED and not order.is_reopened:
        return deny(f"This order is {order.get_state_display().lower()}; nothing is left to do.")
    if order.executed_at is not None:
        return deny("Somebody said already that it was carried out. It waits for confirmation.")
    if order.batch is not None and order.batch.is_held:
        return deny("Its batch is held until a second person lets it go.")
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


def can_end_credentials(actor: Actor) -> Verdict:
    if isinstance(actor, System) or actor.role == Role.STEWARD:
        return ALLOW
    return deny("Only a steward revokes or kills a credential.")


def can_end_credential(actor: Actor, credential: Credential) -> Verdict:
    """Revoke or kill one credential. Nobody else is waited for."""
    if credential.state in CREDENTIAL_OVER:
        return deny(f"It is over already: {credential.get_state_display().lower()}.")
    return can_end_credentials(actor)


def can_confirm_kill(actor: Actor, order: Order) -> Verdict:
    """Say afterwards that a kill was right: another steward than the one who did it."""
    if not isinstance(actor, Person) or actor.role != Role.STEWARD:
        return deny("Only a steward confirms a kill.")
    if order.kind != OrderKind.KILL or order.state == OrderState.ROLLED_BACK:
        return deny("There is no kill to confirm.")
    if order.confirmed_at is not None:
        return deny(f"{order.confirmed_by} confirmed it already.")
    if order.decided_by_id == actor.user.pk:
        return deny("You killed it, so somebody else must confirm that it was right.")
    return ALLOW


def can_undo(actor: Actor, order: Order) -> Verdict:
    """Take an order back while every step that was done can be taken back."""
    if not isinstance(actor, Person) or actor.role != Role.STEWARD:
        return deny("Only a steward undoes an order.")
    if order.state not in {OrderState.EXECUTED, OrderState.VERIFIED}:
        return deny(f"This order is {order.get_state_display().lower()}.")
    if order.kind == OrderKind.KILL and order.decided_by_id == actor.user.pk:
        return deny("You killed it, so undoing it takes another person.")
    return _can_be_undone(order)


def _can_be_undone(order: Order) -> Verdict:
    if order.undo_asked_at is not None:
        return deny("It is being undone.")
    if order.connection_id is None:
        return deny("No connection carried it out, so a person takes it back in the system.")
    if _is_past_undo(order):
        return deny(
            f"It was verified more than {UNDO_FOR.days} days ago, and is final: access is asked"
            " for anew."
        )
    if (other := _stands_in_the_way(order)) is not None:
        return deny(f"Order {other.pk} ({other}) stands as well: that one is undone first.")
    done = order.steps.filter(status=StepStatus.DONE)
    if final := done.filter(reversible=False).first():
        return deny(f"It is final: “{final.title}” cannot be taken back.")
    return ALLOW


def _is_past_undo(order: Order) -> bool:
    """A grant that was removed comes back no later than a credential would. A suspension is
    there to be taken back."""
    if order.grant_id is None or order.kind == OrderKind.SUSPEND or order.verified_at is None:
        return False
    is_final = order.state == OrderState.VERIFIED
    return is_final and order.verified_at + UNDO_FOR <= timezone.now()


def _stands_in_the_way(order: Order) -> Order | None:
    """A kill takes another person to undo, so no other order's undo gets around it; else what
    was ordered last is undone first."""
    if order.kind in {OrderKind.KILL, OrderKind.TAKE_BACK}:
        return None
    others = Order.objects.standing_beside(order)
    return others.filter(Q(kind=OrderKind.KILL) | Q(pk__gt=order.pk)).order_by("-pk").first()


def can_judge_batch(actor: Actor, batch: Batch) -> Verdict:
    """Let a held batch go, or refuse it: another steward than the one who decided it."""
    if not isinstance(actor, Person) or actor.role != Role.STEWARD:
        return deny("Only a steward lets a held batch go.")
    if batch.state != BatchState.HELD:
        return deny(f"This batch is {batch.get_state_display().lower()}.")
    if batch.decided_by_id == actor.user.pk:
        return deny("You decided it, so another steward must let it go.")
    return ALLOW


def can_stop_agent(actor: Actor, agent: Agent) -> Verdict:
    """Stop an agent in the systems it acts on: a steward, without waiting for anybody."""
    if agent.state == AgentState.RETIRED:
        return deny("It is retired.")
    return can_end_credentials(actor)


def can_report_leaks(actor: Actor) -> Verdict:
    """Report a leak: a scanner that signs in with the scope for it, or whoever ends credentials."""
    if isinstance(actor, Machine) and REPORT_LEAKS in actor.scopes:
        return ALLOW
    return can_end_credentials(actor)


def can_see_incidents(actor: Actor) -> Verdict:
    if isinstance(actor, System) or actor.role in {Role.STEWARD, Role.AUDITOR}:
        return ALLOW
    return deny("Only stewards and auditors see incidents.")


def can_take_back(actor: Actor, incident: Incident) -> Verdict:
    if not incident.made.filter(order__isnull=True).exclude(steps=[]).exists():
        return deny("Nothing that was made with it is left to take back.")
    return can_end_credentials(actor)


def can_close_incident(actor: Actor, incident: Incident) -> Verdict:
    if incident.state == IncidentState.CLOSED:
        return deny("It is closed already.")
    if incident.made.filter(order__isnull=True).exclude(steps=[]).exists():
        return deny("What was made with it still stands: take it back first.")
    return can_end_credentials(actor)


def can_try(actor: Actor, order: Order) -> Verdict:
    """Try the secret of what was ended, to see it refused."""
    if order.connection_id is None or order.credential_id is None:
        return deny("No connection can try it.")
    if order.executed_at is None:
        return deny("It was not carried out yet.")
    return can_end_credentials(actor)
