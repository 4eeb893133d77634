"""What many items share: agents that answer for identities, people, fingerprints, sources."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch

from apps.accounts.models import User
from apps.core.actors import Role
from apps.grants.models import AgentFingerprint
from apps.grants.states import FingerprintKind
from apps.inventory.models import Agent, Binding, Identity, Task
from apps.reviews.reviewers import Accountable, Reviewers


@dataclass(frozen=True, slots=True)
class People:
    """Everybody by primary key: their name now, and who of them may decide."""

    names: dict[int, str]
    reviewers: Reviewers

    def name(self, pk: int | None) -> str | None:
        return None if pk is None else self.names.get(pk)


def people_for(fallback_id: int) -> People:
    """Read everybody once: a company has few people beside its grants."""
    users = list(User.objects.only("pk", "display_name", "email", "role", "is_active"))
    able = {user.pk for user in users if user.is_active and user.role in _MAY_DECIDE}
    stewards = sorted(user.pk for user in users if user.pk in able and user.role == Role.STEWARD)
    return People(
        names={user.pk: str(user) for user in users},
        reviewers=Reviewers(fallback_id, frozenset(able), tuple(stewards)),
    )


_MAY_DECIDE = {Role.REVIEWER, Role.STEWARD}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around the identities of one chunk."""

    agents: dict[int, Accountable]
    facts: dict[int, dict[str, Any]]
    bound: dict[int, list[str]]
    design: dict[int, str]
    access: dict[int, str]

    def of(self, identity_id: int) -> Accountable | None:
        return self.agents.get(identity_id)

    def used_by(self, identity_id: int) -> list[str]:
        """Every agent bound to the identity, by name."""
        return self.bound.get(identity_id, [])


def surroundings_of(identity_ids: Collection[int], people: People) -> Surroundings:
    rows: Any = Identity.objects.filter(pk__in=identity_ids).with_accountable()
    accountable: dict[int, int] = dict(
        rows.filter(accountable_id__isnull=False).values_list("pk", "accountable_id")
    )
    tasks = Task.objects.filter(retired_at__isnull=True).order_by("position", "pk")
    people_and_tasks = Agent.objects.select_related("team").prefetch_related(
        Prefetch("tasks", tasks)
    )
    agents = people_and_tasks.in_bulk(set(accountable.values()))
    return Surroundings(
        agents={pk: _accountable(agents[agent]) for pk, agent in accountable.items()},
        facts={pk: _facts(agent, people) for pk, agent in agents.items()},
        bound=_bound(identity_ids),
        design=_newest(FingerprintKind.DESIGN, agents),
        access=_newest(FingerprintKind.ACCESS, agents),
    )


def _accountable(agent: Agent) -> Accountable:
    manager = agent.team.manager_id if agent.team else None
    return Accountable(agent.pk, agent.name, agent.owner_id, manager)


def _facts(agent: Agent, people: People) -> dict[str, Any]:
    return {
        "name": agent.name,
        "environment": agent.environment,
        "state": agent.state,
        "purpose": agent.purpose,
        "tasks": [task.title for task in agent.tasks.all()],
        "version": agent.version,
        "model": agent.model,
        "instructions_sha256": agent.instructions_sha256,
        "autonomy": agent.get_autonomy_display(),
        "purpose_explains": agent.purpose_explains,
        "owner": people.name(agent.owner_id),
        "technical_owner": people.name(agent.technical_owner_id),
        "team": agent.team.name if agent.team else None,
        "manager": people.name(agent.team.manager_id) if agent.team else None,
    }


def _bound(identity_ids: Collection[int]) -> dict[int, list[str]]:
    bound: dict[int, list[str]] = defaultdict(list)
    rows = Binding.objects.live().filter(identity__in=identity_ids)
    for identity_id, name in rows.order_by("agent__name").values_list("identity_id", "agent__name"):
        bound[identity_id].append(name)
    return bound


def _newest(kind: FingerprintKind, agent_ids: Collection[int]) -> dict[int, str]:
    """The digest in force of each agent."""
    rows = (
        AgentFingerprint.objects.filter(agent__in=agent_ids, kind=kind)
        .order_by("agent_id", "-pk")
        .distinct("agent_id")
    )
    return dict(rows.values_list("agent_id", "digest"))
