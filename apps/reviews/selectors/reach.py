"""What an agent and those it may call hold together, and what breaks a dangerous combination."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

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


def reach_of(agent: Agent | None) -> Reach:
    if agent is None:
        return Reach()
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
    combinations = combinations_of([_held(grant, acting[grant.identity_id]) for grant in grants])
    by_pk = {grant.pk: grant for grant in grants}
    others = sorted({one.agent.name for one in bindings if one.agent_id != agent.pk})
    return Reach(
        grants=grants,
        alerts=[_alert(one, by_pk, others) for one in combinations],
        recommended=_recommended(combinations, by_pk),
    )


def _held(grant: Grant, agents: Collection[Agent]) -> Held:
    return Held(
        grant=grant.pk,
        system=grant.system_id,
        service=grant.service,
        level=grant.level,
        tags=frozenset(grant.tags),
        asks_a_person=all(agent.has_human_step for agent in agents),
    )


def _alert(one: Combination, grants: dict[int, Grant], others: list[str]) -> Alert:
    breaking = _fewest([one], grants)
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
        through=others,
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
