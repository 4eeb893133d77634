"""Who reads the trail. Whose invocations they see is for `Invocation.objects.visible_to`."""

from apps.activity.models import Erasure, Stream
from apps.activity.states import ErasureState
from apps.core.actors import Actor, Person, Role, System
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


def can_end_log(actor: Actor, stream: Stream) -> Verdict:
    """Say that nothing more of a log comes: whoever brings it in."""
    if stream.ended_at is not None:
        return deny(f"It ended on {stream.ended_at:%Y-%m-%d}.")
    return can_bring_logs(actor)


def can_resume_log(actor: Actor, stream: Stream) -> Verdict:
    if stream.ended_at is None:
        return deny("It goes on.")
    return can_bring_logs(actor)


def can_bring_of(actor: Actor, stream: Stream) -> Verdict:
    """Bring in more of one log."""
    if stream.ended_at is not None:
        return deny(f"It ended on {stream.ended_at:%Y-%m-%d}. Take it up again first.")
    return can_bring_logs(actor)


def can_see_kept(actor: Actor) -> Verdict:
    """See what is kept, for how long, and what was erased."""
    if isinstance(actor, System) or actor.role in {Role.STEWARD, Role.AUDITOR}:
        return ALLOW
    return deny("Only stewards and auditors see what is kept and erased.")


def can_archive(actor: Actor) -> Verdict:
    if isinstance(actor, System) or actor.role == Role.STEWARD:
        return ALLOW
    return deny("Only a steward archives months of the trail.")


def can_ask_erasure(actor: Actor) -> Verdict:
    """Ask that words be erased: a steward, or an auditor who may read words."""
    if isinstance(actor, Person):
        if actor.role == Role.STEWARD:
            return ALLOW
        if actor.role == Role.AUDITOR and actor.user.seat.sees_payloads:
            return ALLOW
    return deny("Only a steward, or an auditor who may read words, asks to erase them.")


def can_decide_erasure(actor: Actor, erasure: Erasure) -> Verdict:
    """Approve or refuse: a steward other than the one who asked."""
    if not isinstance(actor, Person) or actor.role != Role.STEWARD:
        return deny("Only a steward approves an erasure.")
    if erasure.state != ErasureState.ASKED:
        return deny(f"This erasure is {erasure.get_state_display().lower()} already.")
    if erasure.asked_by_id == actor.user.pk:
        return deny("You asked for it, so another steward must decide.")
    return ALLOW


def can_withdraw_erasure(actor: Actor, erasure: Erasure) -> Verdict:
    if not isinstance(actor, Person) or erasure.asked_by_id != actor.user.pk:
        return deny("Only the one who asked takes it back.")
    if erasure.state != ErasureState.ASKED:
        return deny(f"This erasure is {erasure.get_state_display().lower()} already.")
    return ALLOW
