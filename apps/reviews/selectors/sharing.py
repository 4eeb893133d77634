"""Whom an identity serves: a grant on a shared one strikes them all."""

from collections import defaultdict
from collections.abc import Collection

from django.db.models import Count

from apps.inventory.models import Agent, Binding


def agents_behind(identity_ids: Collection[int]) -> dict[int, list[Agent]]:
    """Every agent acting as each identity now, with its owner, by name."""
    behind: dict[int, list[Agent]] = defaultdict(list)
    rows = Binding.objects.live().filter(identity__in=identity_ids)
    for binding in rows.select_related("agent__owner").order_by("agent__name"):
        behind[binding.identity_id].append(binding.agent)
    return behind


def shared_by(identity_ids: Collection[int]) -> dict[int, int]:
    """How many agents act as each identity now; one that none acts as is left out."""
    rows = Binding.objects.live().filter(identity__in=identity_ids).order_by()
    return dict(rows.values_list("identity_id").annotate(agents=Count("pk")))
