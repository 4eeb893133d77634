"""Whether an agent is ready to work: what should be in place, and what is missing."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from django.db.models import Count, Q

from apps.inventory.models import Agent, Binding, Credential, Task
from apps.inventory.states import STATIC_KINDS

type Answer = Literal["yes", "no", "not-known"]

TITLES = {
    "owner": "An owner answers for it",
    "purpose": "A purpose, with tasks, says what it is for",
    "dedicated-identity": "Its identities are its own",
    "no-static-key": "No static key is in use",
    "writes-justified": "Every write is justified",
    "trail": "Its trail is connected",
}
# What is missing where a check is not met, as it stands behind "Missing:".
GAPS = {
    "owner": "an owner",
    "purpose": "an accepted purpose with tasks",
    "dedicated-identity": "an identity of its own",
    "no-static-key": "credentials other than static keys",
    "writes-justified": "a reason for every write",
    "trail": "a connected trail",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One line of an agent's readiness, in words."""

    key: str
    answer: Answer
    said: str

    @property
    def title(self) -> str:
        return TITLES[self.key]

    @property
    def is_gap(self) -> bool:
        """What is not known is missing too: nobody has looked."""
        return self.answer != "yes"


def gap_keys(checks: Iterable[Check]) -> list[str]:
    return [check.key for check in checks if check.is_gap]


def gaps_in_words(keys: Iterable[str]) -> list[str]:
    return [GAPS.get(key, key) for key in keys]


def readiness_of(agent_ids: Collection[int]) -> dict[int, list[Check]]:
    """The checks that the inventory alone can answer, for many agents at once.

    `grants.selectors.readiness.full_readiness_of` adds whether every write is justified.
    """
    agents = Agent.objects.filter(pk__in=agent_ids)
    tasks = _tasks(agent_ids)
    bound = _bound(agent_ids)
    static = _static_keys(agent_ids)
    return {
        agent.pk: [
            _owner(agent),
            _purpose(agent, tasks.get(agent.pk, 0)),
            _dedicated(*bound.get(agent.pk, (0, 0, 0))),
            _static(static.get(agent.pk, 0)),
            _trail(agent),
        ]
        for agent in agents
    }


def _tasks(agent_ids: Collection[int]) -> dict[int, int]:
    rows = Task.objects.filter(agent__in=agent_ids, retired_at__isnull=True).order_by()
    return dict(rows.values_list("agent").annotate(n=Count("pk")))


def _bound(agent_ids: Collection[int]) -> dict[int, tuple[int, int, int]]:
    """How many identities each acts as; how many of them others share; how many no log watches."""
    counted = (
        Binding.objects.live()
        .filter(agent__in=agent_ids)
        .order_by()
        .values_list("agent")
        .annotate(
            n=Count("pk"),
            shared=Count("pk", filter=Q(identity__binding_count__gt=1)),
            unlogged=Count("pk", filter=Q(identity__system__log_connected=False)),
        )
    )
    return {agent: (n, shared, unlogged) for agent, n, shared, unlogged in counted}


def _static_keys(agent_ids: Collection[int]) -> dict[int, int]:
    held = Credential.objects.standing().filter(
        kind__in=STATIC_KINDS,
        identity__bindings__agent__in=agent_ids,
        identity__bindings__ended_at__isnull=True,
    )
    counted = held.order_by().values("identity__bindings__agent")
    counted = counted.annotate(n=Count("pk", distinct=True))
    return dict(counted.values_list("identity__bindings__agent", "n"))


def _owner(agent: Agent) -> Check:
    if agent.owner_id is None:
        return Check("owner", "no", "Nobody answers for its purpose.")
    return Check("owner", "yes", "An owner is named.")


def _purpose(agent: Agent, tasks: int) -> Check:
    if not agent.purpose:
        return Check("purpose", "no", "No purpose is written.")
    if not tasks:
        return Check("purpose", "no", "The purpose names no task.")
    if agent.purpose_waits:
        return Check("purpose", "no", "The purpose waits for the team's manager to accept it.")
    return Check("purpose", "yes", f"{tasks} task{'' if tasks == 1 else 's'}.")


def _dedicated(bound: int, shared: int, unlogged: int) -> Check:
    if not bound:
        return Check("dedicated-identity", "no", "It acts as no identity yet.")
    if shared:
        return Check(
            "dedicated-identity",
            "no",
            "Its identity is shared with others."
            if bound == 1
            else f"{shared} of its {bound} identities {'is' if shared == 1 else 'are'} shared.",
        )
    if unlogged:
        return Check(
            "dedicated-identity",
            "not-known",
            "No log tells who else uses its identity."
            if bound == 1
            else f"No log tells who else uses {unlogged} of its {bound} identities.",
        )
    return Check("dedicated-identity", "yes", "It alone is bound, and the logs are connected.")


def _static(count: int) -> Check:
    if count:
        return Check(
            "no-static-key", "no", f"{count} static key{'' if count == 1 else 's'} in use."
        )
    return Check("no-static-key", "yes", "No static key is held.")


def _trail(agent: Agent) -> Check:
    if agent.trail_connected:
        return Check("trail", "yes", "What it does is recorded.")
    return Check("trail", "no", "No log of its systems, or no word of its own, tells what it does.")
