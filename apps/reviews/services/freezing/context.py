"""What many items share: people, systems, agents that answer for identities, fingerprints."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch

from apps.accounts.models import User
from apps.core.actors import Role
from apps.grants.models import AgentFingerprint
from apps.grants.states import FingerprintKind
from apps.inventory.models import Agent, Binding, Identity, System, Task
from apps.reviews.reviewers import Accountable, Reviewers
from apps.reviews.services.freezing.texts import Texts, json_of, texts_of


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
class AgentThen:
    """An agent as an item keeps it: its people, its facts as JSON, its fingerprints."""

    accountable: Accountable
    text: str
    design: str
    access: str


@dataclass(frozen=True, slots=True)
class IdentityThen:
    """An identity as an item keeps it, with every agent bound to it."""

    name: str
    system_id: int
    texts: Texts
    agent: AgentThen | None


class Surroundings:
    """What stands around subjects. People, systems, and agents are read once and kept, so that
    all items of a run show an agent as one and the same."""

    def __init__(self, fallback_id: int):
        self.people = people_for(fallback_id)
        self.systems: dict[int, Texts] = {
            pk: texts_of(
                {"system": name, "account": account, "environment": where, "system_tags": tags}
            )
            for pk, name, account, where, tags in System.objects.values_list(
                "pk", "name", "account", "environment", "tags"
            )
        }
        self._agents: dict[int, AgentThen] = {}

    def identities(self, identity_ids: Collection[int]) -> dict[int, IdentityThen]:
        rows: Any = Identity.objects.filter(pk__among=identity_ids).with_accountable()
        read = list(
            rows.values_list("pk", "name", "external_id", "kind", "system_id", "accountable_id")
        )
        agents = self._agents_of({agent_id for *_, agent_id in read if agent_id is not None})
        bound = _bound(identity_ids)
        return {
            pk: IdentityThen(
                name=name,
                system_id=system_id,
                texts=texts_of(
                    {
                        "identity": name,
                        "identity_external_id": external_id,
                        "identity_kind": kind,
                        "used_by": bound.get(pk, []),
                    }
                ),
                agent=agents.get(agent_id),
            )
            for pk, name, external_id, kind, system_id, agent_id in read
        }

    def _agents_of(self, agent_ids: Collection[int]) -> dict[int, AgentThen]:
        missing = set(agent_ids) - self._agents.keys()
        if missing:
            design = _newest(FingerprintKind.DESIGN, missing)
            access = _newest(FingerprintKind.ACCESS, missing)
            tasks = Task.objects.filter(retired_at__isnull=True).order_by("position", "pk")
            agents = Agent.objects.filter(pk__in=missing).select_related("team")
            for agent in agents.prefetch_related(Prefetch("tasks", tasks)):
                self._agents[agent.pk] = AgentThen(
                    accountable=_accountable(agent),
                    text=json_of(_facts(agent, self.people)),
                    design=design.get(agent.pk, ""),
                    access=access.get(agent.pk, ""),
                )
        return self._agents


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
    rows = Binding.objects.live().filter(identity__among=identity_ids)
    for identity_id, name in rows.order_by("agent__name").values_list("identity_id", "agent__name"):
        bound[identity_id].append(name)
    return bound


def _newest(kind: FingerprintKind, agent_ids: Collection[int]) -> dict[int, str]:
    """The digest in force of each agent."""
    rows = (
        AgentFingerprint.objects.filter(agent__among=list(agent_ids), kind=kind)
        .order_by("agent_id", "-pk")
        .distinct("agent_id")
    )
    return dict(rows.values_list("agent_id", "digest"))
