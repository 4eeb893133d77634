"""What a compromised credential did, by address: the first thing one wants to know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, Q, QuerySet

from apps.remediation.models import Incident, IncidentMade

MOST_ADDRESSES = 50


@dataclass(frozen=True, slots=True)
class From:
    """All calls from one address."""

    address: str
    calls: int
    changing: int
    refused: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """The busiest addresses, and how many calls there were from all of them."""

    addresses: Sequence[From]
    more_addresses: bool
    calls: int
    made: Sequence[IncidentMade]

    @property
    def left(self) -> int:
        """How much of what was made still stands untouched."""
        return sum(one.order_id is None and bool(one.steps) for one in self.made)


def addresses_of(incident: Incident) -> QuerySet:
    """A row per address that it was called from, the busiest first."""
    return (
        incident.calls.order_by()
        .values("address")
        .annotate(
            calls=Count("pk"),
            changing=Count("pk", filter=~Q(read_only=True)),
            refused=Count("pk", filter=~Q(error="")),
            first_at=Min("at"),
            last_at=Max("at"),
        )
        .order_by("-calls", "address")
    )


def story_of(incident: Incident) -> Story:
    addresses = [From(**row) for row in addresses_of(incident)[: MOST_ADDRESSES + 1]]
    return Story(
        addresses=addresses[:MOST_ADDRESSES],
        more_addresses=len(addresses) > MOST_ADDRESSES,
        calls=incident.calls.count(),
        made=list(incident.made.select_related("order")),
    )
