"""What identities hold, as calls are matched against it, and what a grant allows only elsewhere."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from apps.activity.allowing import Allows, Held, allows, call_of, line_of, places_of
from apps.core.actors import Actor
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


def allowed_elsewhere(named: Collection[Named], actor: Actor) -> dict[Named, list[Elsewhere]]:
    """Which grants would allow calls that none allowed, had they been made on something else.

    As far as the reader may see the grants. Four queries, or none.
    """
    if not named:
        return {}
    held = held_by({identity for identity, _, _ in named})
    kinds = {system: of[0].kind for (_, system), of in held.items()}
    asked = [one for one in named if one[:2] in held]
    known = known_calls({(kinds[system], name) for _, system, name in asked})
    found: dict[Named, list[tuple[int, list[str]]]] = defaultdict(list)
    for identity, system, name in asked:
        call = call_of(kinds[system], name, known.get((kinds[system], name.lower())))
        found[identity, system, name] = [
            (one.grant_id, places_of(one, call))
            for one in held[identity, system]
            if allows(one, call) == Allows.BY_TARGET
        ]
    ids = {grant for of in found.values() for grant, _ in of}
    grants = Grant.objects.visible_to(actor).named().in_bulk(ids)
    return {
        key: [Elsewhere(grants[grant], places) for grant, places in of if grant in grants]
        for key, of in found.items()
    }
