"""Whether the logs of systems have what agents say they did, deed by deed."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from apps.activity.models import Event, EventRow
from apps.activity.saying import header_said, is_unreadable
from apps.activity.settling import settled_before
from apps.activity.states import Shown
from apps.core.actors import Actor
from apps.inventory.querysets.scope import hidden_systems


def shown_of(deeds: Sequence[Event], actor: Actor) -> dict[int, Shown]:
    """What the logs say of each of these deeds of one log, by its place in that.

    By the same rules as figures of whole hours. Of systems outside the reader's seat, nothing; and
    nothing of a deed whose header was changed to what no database reads.
    """
    deeds = [one for one in deeds if not is_unreadable(header_said(one.header))]
    if not deeds:
        return {}
    times = [one.recorded_at for one in deeds]
    rows: Any = EventRow.objects.filter(
        log_id=deeds[0].log_id,
        leaf_index__in=[one.leaf_index for one in deeds],
        recorded_at__gte=min(times),
        recorded_at__lte=max(times),
    ).with_shown(settled_before(timezone.now()))
    told: list[Any] = list(rows.values_list("leaf_index", "of_system", "shown"))
    hidden = hidden_systems(actor, {system for _, system, _ in told} - {0})
    return {
        leaf: Shown.HIDDEN if system in hidden else Shown(shown) for leaf, system, shown in told
    }
