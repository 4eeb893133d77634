"""What identities hold, as calls are matched against it, and what a grant allows only elsewhere."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from apps.activity.allowing import Held, line_of
from apps.grants.models import Grant, GrantStatement, Permission
from apps.grants.querysets.grants import GrantQuerySet

Named = tuple[int, int, str]
SAYS = ("effect", "actions", "resources", "not_resources", "conditions")
MATCHED_BY = ("system__kind", "service", "level", "limits")


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A live grant that names a call, and the resources it names it for: none that was touched."""

    grant: Grant
    places: list[str]


def held_by(identities: Iterable[int]) -> dict[tuple[int, int], list[Held]]:
    """The live grants by identity and system."""
    held: dict[tuple[int, int], list[Held]] = defaultdict(list)
    for row, one in held_as(Grant.objects.live().filter(identity__in=list(identities))):
        held[row["identity_id"], row["system_id"]].append(one)
    return held


def held_as(grants: GrantQuerySet, *further: str) -> list[tuple[dict[str, Any], Held]]:
    """Grants as they are matched, by their statements and limits, each beside its row: whose it
    is, on which system, and what further columns are asked for. Two queries.
    """
    rows = list(grants.values("pk", "identity_id", "system_id", *MATCHED_BY, *further))
    lines = defaultdict(list)
    statements = GrantStatement.objects.filter(grant__in=[row["pk"] for row in rows])
    # By default they come in the order of their grants' labels, which joins every grant again.
    for statement in statements.order_by("position").values("grant_id", *SAYS):
        lines[statement["grant_id"]].append(line_of(statement))
    found = []
    for row in rows:
        pk, kind, service, level, limits = (row[name] for name in ("pk", *MATCHED_BY))
        beside = (line_of(one) for one in limits)
        found.append((row, Held(pk, kind, service, level, (*lines[pk], *beside))))
    return found


def known_calls(wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, str]]:
    """Level and service of the calls that the catalogue of permissions knows by their name."""
    rows = Permission.objects.filter(
        system_kind__in={kind for kind, _ in wanted},
        search__in={name.lower() for _, name in wanted},
    )
    return {
        (kind, name): (level, service)
        for kind, name, level, service in rows.values_list(
            "system_kind", "search", "level", "service"
        )
    }
