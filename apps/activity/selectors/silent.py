"""Of which grants a log says nothing by its silence, though it is whole."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from django.db.models import QuerySet

from apps.activity.allowing import call_of
from apps.activity.models import KnownCall
from apps.activity.selectors.held import known_calls
from apps.activity.silence import kinds_of, shown_by, why_silent
from apps.grants.models import Grant, GrantStatement
from apps.grants.models.grant import Effect
from apps.inventory.models import System

# The formats of the logs of each system.
Formats = Mapping[int, Collection[str]]


def silent_of(grants: QuerySet[Grant], formats: Formats) -> dict[int, str]:
    """Why, as a sentence's part, of the grants whose use the logs of their system may not hold.

    Three queries more at most, for any number of grants. A log of several forms that one system
    has is silent only where all of them are.
    """
    rows = grants.filter(system__in=list(formats)).order_by()
    held = list(rows.values_list("pk", "system_id", "service", "level"))
    actions = _actions(rows) if held else {}
    kinds: dict[int, tuple[int, frozenset[str]]] = {}
    for pk, system, service, level in held:
        of_each = [kinds_of(one, service, level, actions.get(pk, ())) for one in formats[system]]
        if of_each and (left := frozenset.intersection(*of_each)):
            kinds[pk] = system, left
    shown = _shown({system for system, _ in kinds.values()}, formats)
    silent = {pk: of - shown[system] for pk, (system, of) in kinds.items()}
    return {pk: why_silent(of) for pk, of in silent.items() if of}


def _actions(rows: QuerySet[Grant]) -> dict[int, list[list[str]]]:
    found: dict[int, list[list[str]]] = defaultdict(list)
    statements = GrantStatement.objects.filter(grant__in=rows.values("pk"), effect=Effect.ALLOW)
    for grant, actions in statements.order_by().values_list("grant_id", "actions").iterator():
        found[grant].append(actions)
    return found


def _shown(systems: Iterable[int], formats: Formats) -> dict[int, set[str]]:
    """The kinds of calls that the logs of these systems ever held."""
    found: dict[int, set[str]] = defaultdict(set)
    names = list(
        KnownCall.objects.filter(system_id__in=systems).order_by().values_list("system_id", "name")
    )
    if not names:
        return found
    kind_of = dict(
        System.objects.filter(pk__in={system for system, _ in names}).values_list("pk", "kind")
    )
    known = known_calls({(kind_of[system], name) for system, name in names if system in kind_of})
    for system, name in names:
        kind = kind_of.get(system, "")
        call = call_of(kind, name, known.get((kind, name.lower())))
        found[system].update(shown_by(one, call) for one in formats[system])
    return found
