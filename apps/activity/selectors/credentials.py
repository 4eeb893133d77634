"""What a credential was used for since a moment, by the address it was used from."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Max, Min, Q

from apps.activity.models import Event
from apps.activity.selectors.searching import in_time
from apps.activity.states import Outcome
from apps.core.actors import Actor
from apps.inventory.models import Credential

MOST_ADDRESSES = 200
MOST_NAMES = 8


@dataclass(frozen=True, slots=True)
class FromAddress:
    address: str
    calls: int
    refused: int
    first_at: datetime
    last_at: datetime
    names: list[str]
    more: int


def use_by_address(credential: Credential, since: datetime, actor: Actor) -> list[FromAddress]:
    """The latest first; of a log that is not read nothing is known. Raises `UnclearSearch`."""
    calls = Event.objects.in_trail().filter(credential_id=credential.pk, happened_at__gte=since)
    calls = calls.visible_to(actor)
    refused = Q(outcome__in=[Outcome.FAILED, Outcome.DENIED])
    grouped = (
        calls.order_by()
        .values("address")
        .annotate(
            calls=Count("leaf_index"),
            refused=Count("leaf_index", filter=refused),
            first_at=Min("happened_at"),
            last_at=Max("happened_at"),
            names=ArrayAgg("name", distinct=True),
        )
        .order_by("-last_at")[:MOST_ADDRESSES]
    )
    with in_time():
        rows = list(grouped)
    return [
        FromAddress(
            **{**row, "names": row["names"][:MOST_NAMES]},
            more=max(0, len(row["names"]) - MOST_NAMES),
        )
        for row in rows
    ]
