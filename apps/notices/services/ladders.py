from collections.abc import Sequence

from django.db import transaction

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.notices import policies
from apps.notices.models import Ladder, LadderStep, Route

MOST_STEPS = 6
LONGEST_MINUTES = 1440


@transaction.atomic
def ladder_change(
    *,
    team_id: int | None,
    steps: Sequence[tuple[int, int | None]],
    reason: str,
    actor: Actor,
) -> Ladder:
    """Say who is on call for a team, or for the house, and who after them.

    A step is a route and the minutes it may take to answer: none as the policy says, 0 to tell
    the next at once. Without any step, pages of a team go to the house's, of the house to every
    steward. A page under way goes on by the steps as they are now.
    """
    enforce(policies.can_change_ladder(actor))
    if not reason.strip():
        raise DomainError("Say why this changes.")
    ladder = Ladder.objects.locked_for(team_id)
    _refuse_odd(steps)
    routes = {one.pk: one for one in Route.objects.standing().filter(pk__in=dict(steps))}
    if len(routes) < len(steps):
        raise DomainError("One of these routes is retired, or there is none such.")
    before = _in_words(ladder)
    ladder.steps.all().delete()
    LadderStep.objects.bulk_create(
        LadderStep(ladder=ladder, position=at, route=routes[pk], minutes=minutes)
        for at, (pk, minutes) in enumerate(steps, 1)
    )
    record(
        actor=actor,
        verb=Verb.LADDER_CHANGED,
        target=ladder,
        changes={"steps": (before, _in_words(ladder))},
        reason=reason.strip(),
    )
    return ladder


def _refuse_odd(steps: Sequence[tuple[int, int | None]]) -> None:
    if len(steps) > MOST_STEPS:
        raise DomainError(f"A ladder has at most {MOST_STEPS} steps.")
    if len(dict(steps)) < len(steps):
        raise DomainError("Each route stands on a ladder once.")
    if any(minutes is not None and not 0 <= minutes <= LONGEST_MINUTES for _, minutes in steps):
        raise DomainError(f"A step waits from 0 to {LONGEST_MINUTES} minutes.")


def _in_words(ladder: Ladder) -> list[str]:
    steps = LadderStep.objects.filter(ladder=ladder).select_related("route")
    return [
        f"{step.route}, {'the usual time' if step.minutes is None else f'{step.minutes} min'}"
        for step in steps
    ]
