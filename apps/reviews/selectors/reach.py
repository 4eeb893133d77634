"""What an agent and those it may call hold together, and what breaks a dangerous combination."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from django.utils import timezone

from apps.grants.combinations import (
    Breaking,
    Combination,
    Held,
    combinations_of,
    fewest_removals,
    reach,
)
from apps.grants.models import Grant
from apps.inventory.models import Agent, AgentCall, Binding

NAMED = 3
# Stands for a grant that is only asked for.
NOT_HELD = 0


@dataclass(frozen=True, slots=True)
class Share:
    """One part of a combination, and the grants that give it (a few by name)."""

    does: str
    grants: list[Grant]
    more: int


@dataclass(frozen=True, slots=True)
class Alert:
    name: str
    severity: str
    shares: list[Share]
    removals: list[Grant]
    is_exact: bool
    through: list[str]


@dataclass(frozen=True, slots=True)
class Reach:
    """Everything within reach of one agent."""

    grants: list[Grant] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    recommended: dict[int, str] = field(default_factory=dict)

    def breaks(self, grant_id: int | None) -> str:
        """The critical combination that removing this grant helps break, if it is recommended."""
        return self.recommended.get(grant_id or 0, "")


@dataclass(frozen=True, slots=True)
class _Within:
    """The grants within an agent's reach, as judged, and the agents it reaches them through."""

    grants: dict[int, Grant]
    held: list[Held]
    others: list[str]


def reach_of(agent: Agent | None) -> Reach:
    if agent is None:
        return Reach()
    within = _within(agent)
    combinations = combinations_of(within.held)
    return Reach(
        grants=list(within.grants.values()),
        alerts=[_alert(one, within) for one in combinations],
        recommended=_recommended(combinations, within.grants),
    )


def completed_by(agent: Agent, wanted: Grant, instead_of: int | None = None) -> list[Alert]:
    """The combinations that one more grant, not held yet and unsaved, would complete.

    What breaks each is looked for among what is held already. Where the access asked about is
    there, it is judged as if it were not: `instead_of` is the grant that it is held by.
    """
    within = _without(_within(agent), instead_of)
    there = {(one.name, one.system) for one in combinations_of(within.held)}
    held = [*within.held, _held(wanted, [agent])]
    grants = within.grants | {NOT_HELD: wanted}
    wider = _Within(grants, held, within.others)
    completed = [one for one in combinations_of(held) if (one.name, one.system) not in there]
    return [_alert(one, wider, breakable=_without_wanted(one)) for one in completed]


def _without(within: _Within, grant_id: int | None) -> _Within:
    if grant_id is None:
        return within
    return _Within(
        grants={pk: grant for pk, grant in within.grants.items() if pk != grant_id},
        held=[one for one in within.held if one.grant != grant_id],
        others=within.others,
    )


def _without_wanted(one: Combination) -> Combination:
    """The parts that could be emptied by removing what is held."""
    return replace(one, parts=tuple(part for part in one.parts if NOT_HELD not in part.grants))


def _within(agent: Agent) -> _Within:
    calls: dict[int, list[int]] = defaultdict(list)
    for caller, callee in AgentCall.objects.values_list("caller", "callee"):
        calls[caller].append(callee)
    agents = reach(calls, agent.pk)
    bindings = list(Binding.objects.live().filter(agent__in=agents).select_related("agent"))
    acting: dict[int, list[Agent]] = defaultdict(list)
    for binding in bindings:
        acting[binding.identity_id].append(binding.agent)
    grants = list(
        Grant.objects.present().filter(identity__in=acting).select_related("system").order_by("pk")
    )
    return _Within(
        grants={grant.pk: grant for grant in grants},
        held=[_held(grant, acting[grant.identity_id]) for grant in grants],
        others=sorted({one.agent.name for one in bindings if one.agent_id != agent.pk}),
    )


def _held(grant: Grant, agents: Collection[Agent]) -> Held:
    return Held(
        grant=grant.pk or NOT_HELD,
        system=grant.system_id,
        service=grant.service,
        level=grant.level,
        tags=frozenset(grant.tags),
        asks_a_person=all(agent.has_human_step for agent in agents),
    )


def _alert(one: Combination, within: _Within, breakable: Combination | None = None) -> Alert:
    grants = within.grants
    wanted = breakable or one
    breaking = _fewest([wanted] if wanted.parts else [], grants)
    return Alert(
        name=one.name.value,
        severity=one.severity,
        shares=[
            Share(
                part.does,
                [grants[pk] for pk in sorted(part.grants)[:NAMED]],
                max(0, len(part.grants) - NAMED),
            )
            for part in one.parts
        ],
        removals=[grants[pk] for pk in sorted(breaking.grants)],
        is_exact=breaking.is_exact,
        through=within.others,
    )


def _recommended(combinations: list[Combination], grants: dict[int, Grant]) -> dict[int, str]:
    critical = [one for one in combinations if one.severity == "critical"]
    chosen = _fewest(critical, grants).grants
    return {
        pk: next(one.name.value for one in critical if pk in one.grants) for pk in sorted(chosen)
    }


def _fewest(combinations: list[Combination], grants: dict[int, Grant]) -> Breaking:
    """Between sets of one size: unused first, then unjustified, then the most recent."""
    today = timezone.localdate()

    def prefer(pk: int) -> tuple:
        grant = grants[pk]
        is_used = not grant.use_is_known or grant.last_used_at is not None
        until = grant.justified_until
        stands = grant.justification_id is not None and (until is None or until >= today)
        return is_used, stands, -grant.first_seen_at.timestamp(), pk

    return fewest_removals(combinations, prefer)
