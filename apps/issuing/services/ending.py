"""What was issued ends: when somebody says so, when its grounds fall, when its time is over."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.connectors.adapters.live import Absent, Adapter, ProviderError, heals
from apps.connectors.services.adapters import adapter_of
from apps.connectors.states import ConnectionState
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.jobs import enqueue
from apps.core.policies import enforce
from apps.core.references import ReferenceRefused
from apps.inventory.services.reasons import required_reason
from apps.issuing import policies
from apps.issuing.models import Issuance
from apps.issuing.querysets import IssuanceQuerySet
from apps.issuing.services.moves import issuance_move
from apps.issuing.states import IssuanceState
from apps.remediation.services.troubles import LONGEST_WAIT, MOST_ATTEMPTS

# No call to a system takes as long; who asked has had their answer, or never will.
ANSWER_WITHIN = timedelta(minutes=5)
MOST_AT_ONCE = 500
NO_NAME = "Its answer never came, so its name is not known, and nothing can end it before its time."
NO_ANSWER = (
    "Nobody knows whether it was issued: no answer came. Nobody was handed it, and it ends by"
    " itself at the latest at the time shown."
)

type Act = Callable[[Issuance, datetime, Actor], None]


@transaction.atomic
def issuance_end(*, issuance_id: int, reason: str, actor: Actor) -> Issuance:
    """Have something issued ended now, in the background. What could not be is tried again."""
    issuance = Issuance.objects.locked(issuance_id)
    enforce(policies.can_end(actor, issuance))
    _begin(issuance, required_reason(reason, "it is ended"), actor)
    return issuance


def _begin(issuance: Issuance, reason: str, actor: Actor) -> None:
    now = timezone.now()
    issuance.end_reason, issuance.end_asked_at = reason, now
    issuance.wake_at, issuance.attempts, issuance.trouble = now, 0, ""
    issuance_move(
        issuance,
        IssuanceState.ENDING,
        actor=actor,
        reason=reason,
        also=["end_reason", "end_asked_at", "wake_at", "attempts", "trouble"],
    )
    enqueue("issuing.run_ending", issuance_id=issuance.pk)


@transaction.atomic
def issuance_run_end(*, issuance_id: int, actor: Actor) -> Issuance | None:
    """Ask the system to end one thing, if that is due; None where another worker has it.

    The row is locked meanwhile, so no two workers ask. Asked twice, a system answers alike.
    """
    issuance = Issuance.objects.taken(issuance_id)
    now = timezone.now()
    if issuance is None or issuance.wake_at is None or issuance.wake_at > now:
        return issuance
    if issuance.expires_at <= now:
        _expired(issuance, actor)
        return issuance
    if issuance.connection.state == ConnectionState.RETIRED:
        _failed(issuance, f"The connection {issuance.connection} is retired.", actor)
        return issuance
    known = {
        "kind": issuance.kind,
        "external_id": issuance.external_id,
        "facts": issuance.facts,
    }
    try:
        is_ended, said = end_at_system(adapter_of(issuance.connection), known)
    except (ReferenceRefused, DomainError) as error:
        _failed(issuance, str(error), actor)
    except ProviderError as error:
        if heals(error):
            _put_off(issuance, str(error), actor, after=error.retry_after)
        else:
            _failed(issuance, str(error), actor)
    else:
        (_ended if is_ended else _failed)(issuance, said, actor)
    return issuance


def end_at_system(adapter: Adapter, known: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether it is ended now, and what the system said. Raises `ProviderError` otherwise."""
    try:
        outcome = adapter.end_issued(known)
    except Absent as error:
        return True, f"The system does not know it any more: {error.said}"
    return outcome.changed, outcome.said


def _ended(issuance: Issuance, said: str, actor: Actor) -> None:
    issuance.ended_at, issuance.ended_how = timezone.now(), said
    issuance.wake_at, issuance.trouble = None, ""
    issuance_move(
        issuance,
        IssuanceState.ENDED,
        actor=actor,
        reason=said,
        also=["ended_at", "ended_how", "wake_at", "trouble"],
    )


def _failed(issuance: Issuance, said: str, actor: Actor) -> None:
    issuance.wake_at, issuance.trouble = None, said
    also = ["wake_at", "trouble", "end_reason", "end_asked_at"]
    issuance_move(issuance, IssuanceState.END_FAILED, actor=actor, reason=said, also=also)
    enqueue("findings.recheck")


def _put_off(issuance: Issuance, said: str, actor: Actor, *, after: float) -> None:
    """Try again later, each time further off, as orders are; after the eighth a person must."""
    issuance.attempts += 1
    if issuance.attempts >= MOST_ATTEMPTS:
        _failed(issuance, f"{said} (tried {issuance.attempts} times)", actor)
        return
    wait = timedelta(seconds=max(after, 2**issuance.attempts))
    issuance.wake_at, issuance.trouble = timezone.now() + min(LONGEST_WAIT, wait), said
    issuance.save(update_fields=["attempts", "wake_at", "trouble"])


def _expired(issuance: Issuance, actor: Actor) -> None:
    issuance.wake_at = None
    reason = "It ended by itself."
    if issuance.state in {IssuanceState.ENDING, IssuanceState.END_FAILED}:
        reason = f"It was not ended before its time: {issuance.trouble or 'that was under way.'}"
    issuance_move(issuance, IssuanceState.EXPIRED, actor=actor, reason=reason, also=["wake_at"])


def issuances_reconcile(*, actor: Actor) -> int:
    """Bring every row to what is true now: lost, over, to be ended. Returns how many changed.

    Then the systems are asked about all whose ending is due. Safe to run beside itself.
    """
    now = timezone.now()
    rows = Issuance.objects
    acts: list[tuple[IssuanceQuerySet, Act]] = [
        (rows.asked_before(now - ANSWER_WITHIN), _lose),
        (rows.over_at(now), _expire),
        (rows.fallen_at(now), _fall),
    ]
    changed = sum(_each(found, act, now, actor) for found, act in acts)
    return changed + _end_awake(actor)


def _each(found: IssuanceQuerySet, act: Act, now: datetime, actor: Actor) -> int:
    """Act on each in a transaction of its own, unless it has changed meanwhile."""
    count = 0
    for pk in list(found.values_list("pk", flat=True)[:MOST_AT_ONCE]):
        with transaction.atomic():
            issuance = Issuance.objects.taken(pk)
            if issuance is not None and found.filter(pk=pk).exists():
                act(issuance, now, actor)
                count += 1
    return count


def _lose(issuance: Issuance, now: datetime, actor: Actor) -> None:
    issuance.trouble = NO_ANSWER
    issuance_move(issuance, IssuanceState.LOST, actor=actor, reason=NO_ANSWER, also=["trouble"])


def _expire(issuance: Issuance, now: datetime, actor: Actor) -> None:
    _expired(issuance, actor)


def _fall(issuance: Issuance, now: datetime, actor: Actor) -> None:
    why = Issuance.objects.why_over(issuance.pk, now)
    if issuance.state == IssuanceState.ACTIVE:
        _begin(issuance, why, actor)
        return
    issuance.end_reason, issuance.end_asked_at = why, now
    _failed(issuance, NO_NAME, actor)


def _end_awake(actor: Actor) -> int:
    """Ask about each that is due. A system that does not answer is left alone until next time."""
    awake = Issuance.objects.awake_at(timezone.now()).values_list("pk", "connection")
    silent: set[int] = set()
    count = 0
    for pk, connection_id in list(awake[:MOST_AT_ONCE]):
        if connection_id in silent:
            continue
        issuance = issuance_run_end(issuance_id=pk, actor=actor)
        if issuance is not None and issuance.wake_at is not None:
            silent.add(connection_id)
        count += 1
    return count
