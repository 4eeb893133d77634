"""Records as rows of a list: of whom the link asks, and never of all time."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from apps.activity.models import EventRow
from apps.core.actors import Actor

LOOKED_BACK = timedelta(days=30)
# Without one of these a list would walk through every record there is.
CALLS_OF = ("agent", "identity", "credential", "system")
DEEDS_OF = ("agent",)
BEGINS = ("since", "start")


@dataclass(frozen=True, slots=True)
class Asked:
    """The rows; since when, where the link did not say; and whether it says of whom."""

    rows: QuerySet[EventRow]
    since: datetime | None
    is_narrowed: bool


def calls_asked(actor: Actor, query: Mapping[str, str]) -> Asked:
    """What systems recorded, as far as the actor may see it."""
    rows = EventRow.objects.of_trail().calls().calls_visible_to(actor).for_table().with_link(actor)
    return _asked(rows, query, CALLS_OF)


def deeds_asked(actor: Actor, query: Mapping[str, str]) -> Asked:
    """What agents said they did, as far as the actor may see it."""
    rows = EventRow.objects.of_trail().deeds().deeds_visible_to(actor).for_table().with_run(actor)
    return _asked(rows, query, DEEDS_OF)


def _asked(rows: QuerySet[EventRow], query: Mapping[str, str], of: Collection[str]) -> Asked:
    is_narrowed = any(query.get(name) for name in of)
    if not is_narrowed:
        return Asked(rows.none(), None, is_narrowed=False)
    if any(query.get(name) for name in BEGINS):
        return Asked(rows, None, is_narrowed=True)
    since = timezone.now() - LOOKED_BACK
    return Asked(rows.filter(happened_at__gte=since), since, is_narrowed=True)
