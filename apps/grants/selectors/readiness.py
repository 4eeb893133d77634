from collections.abc import Collection

from django.db.models import Count
from django.utils import timezone

from apps.grants.models import Grant
from apps.inventory.models import Binding
from apps.inventory.selectors.readiness import Check, readiness_of


def full_readiness_of(agent_ids: Collection[int]) -> dict[int, list[Check]]:
    """Every readiness check of these agents, in the order they are shown."""
    further = writes_justified(agent_ids)
    found = readiness_of(agent_ids)
    return {pk: [*checks[:-1], further[pk], checks[-1]] for pk, checks in found.items()}


def writes_justified(agent_ids: Collection[int]) -> dict[int, Check]:
    """Whether each agent's write and admin grants all have a standing justification."""
    bound = Binding.objects.live().filter(agent__in=agent_ids)
    open_grants = (
        Grant.objects.unjustified(timezone.localdate())
        .filter(identity__bindings__agent__in=agent_ids, identity__bindings__ended_at__isnull=True)
        .order_by()
        .values("identity__bindings__agent")
        .annotate(n=Count("pk", distinct=True))
    )
    counts = dict(open_grants.values_list("identity__bindings__agent", "n"))
    acting = set(bound.values_list("agent_id", flat=True))
    return {pk: _check(counts.get(pk, 0), acts=pk in acting) for pk in agent_ids}


def _check(count: int, *, acts: bool) -> Check:
    if not acts:
        return Check(
            "writes-justified", "not-known", "It acts as no identity, so nobody knows its access."
        )
    if count:
        return Check(
            "writes-justified",
            "no",
            f"{count} write or admin grant{'' if count == 1 else 's'} without a reason in force.",
        )
    return Check("writes-justified", "yes", "Every write and admin grant has a reason in force.")
