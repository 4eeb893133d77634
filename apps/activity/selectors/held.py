"""What identities hold, as calls are matched against it, and what a grant allows only elsewhere."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from apps.activity.allowing import Held, line_of
from apps.grants.models import Grant, GrantStatement, Permission

Named = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A live grant that names a call, and the resources it names it for: none that was touched."""

    grant: Grant
    places: list[str]


def held_by(identities: Iterable[int]) -> dict[tuple[int, int], list[Held]]:
    """The live grants by identity and system."""
    grants = Grant.objects.live().filter(identity__in=list(identities)).select_related("system")
    grants = grants.only("identity", "system__kind", "service", "level", "limits")
    held: dict[tuple[int, int], list[Held]] = defaultdict(list)
    for grant, one in held_as(grants):
        held[grant.identity_id, grant.system_id].append(one)
    return held


def held_as(grants: Iterable[Grant]) -> list[tuple[Grant, Held]]:
    """Grants with what they are matched by, their statements and limits: two queries."""
    grants = list(grants)
    lines = defaultdict(list)
    statements = GrantStatement.objects.filter(grant__in=grants).values(
        "grant_id", "effect", "actions", "resources", "not_resources", "conditions"
    )
    for statement in statements:
        lines[statement["grant_id"]].append(line_of(statement))
    return [
        (
            grant,
            Held(
                grant.pk,
                grant.system.kind,
                grant.service,
                grant.level,
                (*lines[grant.pk], *(line_of(one) for one in grant.limits)),
            ),
        )
        for grant in grants
    ]


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
