"""What the answers of systems do to orders: each kind of answer as one change of many rows."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from apps.audit.services import Fact, record_many
from apps.audit.verbs import Verb
from apps.connectors.adapters.live import Outcome, ProviderError, Sighting, heals
from apps.connectors.adapters.removal import When
from apps.core.actors import Actor
from apps.core.policies import ALLOW
from apps.core.rows import rows_write
from apps.grants.services.grants import grant_resume
from apps.grants.states import GrantState
from apps.inventory.services.credentials import credential_move, credentials_suspend
from apps.inventory.states import CredentialState
from apps.remediation.models import Order, OrderStep
from apps.remediation.services.looking import looked
from apps.remediation.services.moves import orders_move
from apps.remediation.services.troubles import give_up, put_off
from apps.remediation.services.turns import Next, Turn
from apps.remediation.states import OrderKind, OrderState, StepStatus

STEP = ["status", "said", "undo", "begun_at", "done_at", "attempts"]


def settle(turns: Sequence[Turn], actor: Actor) -> None:
    """Keep what was answered, and move the orders on."""
    for turn in turns:
        if turn.failed is not None:
            _failed(turn, actor)
    answered = [turn for turn in turns if turn.failed is None]
    _stepped([turn for turn in answered if turn.next == Next.STEP], actor)
    _taken_back([turn for turn in answered if turn.next == Next.UNDO], actor)
    sightings = [(turn, turn.answer) for turn in answered if isinstance(turn.answer, Sighting)]
    looked(sightings, actor)


def _failed(turn: Turn, actor: Actor) -> None:
    error = turn.failed
    if turn.step is not None and turn.next == Next.STEP:
        turn.step.said, turn.step.begun_at = str(error), timezone.now()
        turn.step.attempts += 1
        turn.step.save(update_fields=["said", "begun_at", "attempts"])
    if isinstance(error, ProviderError) and heals(error):
        put_off(turn.order, str(error), actor, after=error.retry_after)
    else:
        give_up(turn.order, str(error), actor)


def _stepped(turns: Sequence[Turn], actor: Actor) -> None:
    now = timezone.now()
    for turn, step, outcome in _outcomes(turns):
        step.begun_at, step.attempts = now, step.attempts + 1
        step.said = outcome.said
        # Done anew, there may be nothing left to keep: what was first there is what is put back.
        if outcome.undo and (outcome.changed or not step.undo):
            step.undo = dict(outcome.undo)
        step.status, step.done_at = StepStatus.DONE, now
        turn.order.attempts, turn.order.trouble = 0, ""
    rows_write([step for _, step, _ in _outcomes(turns)], STEP)
    rows_write([turn.order for turn in turns], ["attempts", "trouble"])
    _record(turns, Verb.ORDER_STEP_DONE, actor, done=True)
    over = [turn for turn in turns if turn.order.state == OrderState.EXECUTING]
    _executed([turn for turn in over if not turn.waiting(When.NOW)], now, actor)


def _executed(turns: Sequence[Turn], now: datetime, actor: Actor) -> None:
    for turn in turns:
        within = max(step.effective_seconds for step in turn.steps if step.when == When.NOW)
        turn.order.executed_at = turn.order.wake_at = now
        turn.order.effective_by = now + timedelta(seconds=within)
    orders_move(
        orders=[turn.order for turn in turns],
        state=OrderState.EXECUTED,
        actor=actor,
        reason="Every step that stops it was carried out.",
        also=["executed_at", "effective_by", "wake_at"],
    )
    why = {
        turn.order.credential_id: f"Order {turn.order.pk}: {turn.order.reason}"
        for turn in turns
        if turn.order.credential_id is not None and turn.order.kind != OrderKind.TAKE_BACK
    }
    credentials_suspend(why=why, actor=actor, authority=ALLOW)


def _taken_back(turns: Sequence[Turn], actor: Actor) -> None:
    now = timezone.now()
    for _, step, outcome in _outcomes(turns):
        step.said, step.status, step.done_at = outcome.said, StepStatus.UNDONE, now
    rows_write([step for _, step, _ in _outcomes(turns)], STEP)
    _record(turns, Verb.ORDER_STEP_UNDONE, actor, done=False)


def undone(turns: Sequence[Turn], actor: Actor) -> None:
    """Every step was taken back: what was ended works again, here as well.

    What else was ordered about it stands, and is looked at: it may be carried out anew.
    """
    now = timezone.now()
    for turn in turns:
        order = turn.order
        order.wake_at = None
        orders_move(
            orders=[order],
            state=OrderState.ROLLED_BACK,
            actor=actor,
            reason=f"Undone: {order.undo_reason}",
            also=["wake_at"],
        )
        if order.kind != OrderKind.TAKE_BACK:
            Order.objects.standing_beside(order).look_again(now)
            _works_again(order, actor)


def _works_again(order: Order, actor: Actor) -> None:
    why = f"Order {order.pk} was undone: {order.undo_reason}"
    credential, grant = order.credential, order.grant
    if credential is not None and credential.state == CredentialState.SUSPENDED:
        credential_move(
            credential_id=credential.pk,
            state=CredentialState.ACTIVE,
            reason=why,
            actor=actor,
            authority=ALLOW,
        )
    if grant is not None and grant.state == GrantState.SUSPENDED:
        grant_resume(grant_id=grant.pk, reason=why, actor=actor, authority=ALLOW)


def _outcomes(turns: Iterable[Turn]) -> list[tuple[Turn, OrderStep, Outcome]]:
    return [
        (turn, turn.step, turn.answer)
        for turn in turns
        if turn.step is not None and isinstance(turn.answer, Outcome)
    ]


def _record(turns: Sequence[Turn], verb: Verb, actor: Actor, *, done: bool) -> None:
    record_many(
        actor=actor,
        verb=verb,
        facts=[
            Fact(
                turn.order,
                {"step": (None, step.title) if done else (step.title, None)},
                outcome.said,
            )
            for turn, step, outcome in _outcomes(turns)
        ],
    )
