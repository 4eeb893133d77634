"""What a compromised credential did, by address: the first thing one wants to know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, Q

from apps.remediation.models import Incident, IncidentMade

MOST_ADDRESSES = 200


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
    addresses: Sequence[From]
    calls: int
    made: Sequence[IncidentMade]

    @property
    def left(self) -> int:
        """How much of what was made still stands untouched."""
        return sum(one.order_id is None and bool(one.steps) for one in self.made)


def story_of(incident: Incident) -> Story:
    rows = (
        incident.calls.order_by()
        .values("address")
        .annotate(
            n=Count("pk"),
            changing=Count("pk", filter=~Q(read_only=True)),
            refused=Count("pk", filter=~Q(error="")),
            first_at=Min("at"),
            last_at=Max("at"),
        )
        .order_by("-n", "address")
    )
    addresses = [
        From(
            address=row["address"],
            calls=row["n"],
            changing=row["changing"],
            refused=row["refused"],
            first_at=row["first_at"],
            last_at=row["last_at"],
        )
        for row in rows[:MOST_ADDRESSES]
    ]
    return Story(
        addresses=addresses,
        calls=sum(one.calls for one in addresses),
        made=list(incident.made.select_related("order")),
    )
