"""Agents from a file. Who is listed is found by name; what is not said stays as it is."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import Team, User
from apps.connectors.models import StagedRow
from apps.connectors.services.run import Run
from apps.core.errors import DomainError
from apps.inventory.models import Agent
from apps.inventory.services.agents import agent_change, agent_change_owner, agent_create
from apps.inventory.services.purposes import NeedDraft, TaskDraft, agent_change_purpose

PLAIN = (
    "environment",
    "platform",
    "autonomy",
    "has_human_step",
    "version",
    "model",
    "instructions_sha256",
    "tools",
)


def apply_agents(run: Run) -> None:
    """Propose the agents that are new, then change the others, then say who calls whom.

    An agent may call one that stands further down, so the new ones come first.
    """
    created: set[str] = set()
    for chunk in run.chunks("agent"):
        names = [row.data["name"] for row in chunk]
        known = set(Agent.objects.filter(name__in=names).values_list("name", flat=True))
        for row in chunk:
            if row.data["name"] not in known and _tried(run, row, _create):
                created.add(row.data["name"])
    for chunk in run.chunks("agent"):
        for row in chunk:
            if row.data["name"] in created:
                _call(run, row)
            else:
                _tried(run, row, _change)
    spared = run.protected("agent")
    if "agent" in run.complete and spared is not None:
        run.mark_gone("agent", Agent, spared=Q(name__in=spared))


def _tried(run: Run, row: StagedRow, act: Callable[[Run, StagedRow], None]) -> bool:
    if row.pk in run.refused:
        return False
    try:
        with transaction.atomic():
            act(run, row)
    except DomainError as error:
        run.reject(row, str(error))
        return False
    return True


def _create(run: Run, row: StagedRow) -> None:
    data = row.data
    owner, team = _person(run, row, "owner"), _team(run, row)
    agent = agent_create(
        name=data["name"],
        owner_id=owner.pk if owner else None,
        team_id=team.pk if team else None,
        actor=run.actor,
        **_fields(run, row),
    )
    Agent.objects.filter(pk=agent.pk).update(source=run.source, stream=run.stream)
    _change_purpose(run, data, agent)
    run.report.of("agent").add("new", agent.name)


def _call(run: Run, row: StagedRow) -> None:
    calls = _calls(run, row)
    if calls:
        agent = Agent.objects.get(name=row.data["name"])
        agent_change(agent_id=agent.pk, actor=run.actor, reason=run.reason, calls=calls)


def _change(run: Run, row: StagedRow) -> None:
    agent = _known(row.data["name"])
    before = _told(agent)
    agent_change(
        agent_id=agent.pk,
        actor=run.actor,
        reason=run.reason,
        calls=_calls(run, row),
        **_fields(run, row),
    )
    _change_owner(run, row, agent)
    _change_purpose(run, row.data, agent)
    _count(run, agent, before)


def _known(name: str) -> Agent:
    return Agent.objects.select_related("owner", "technical_owner", "team").get(name=name)


def _fields(run: Run, row: StagedRow) -> dict[str, Any]:
    fields = {name: row.data[name] for name in PLAIN if row.data[name] is not None}
    told = row.data["technical_owner"]
    person = _person(run, row, "technical_owner")
    if person is not None or told == "":
        fields["technical_owner_id"] = person.pk if person else None
    return fields


def _count(run: Run, agent: Agent, before: dict[str, Any]) -> None:
    agent = _known(agent.name)
    after = _told(agent)
    changes = {name: (before[name], after[name]) for name in after if before[name] != after[name]}
    is_back = agent.gone_at is not None and agent.stream == run.stream
    if is_back:
        Agent.objects.filter(pk=agent.pk).update(gone_at=None)
    what = "changed" if changes else "back" if is_back else "same"
    run.report.of("agent").add(what, agent.name, changes)
    run.seen(Agent, [agent.pk])


def _change_owner(run: Run, row: StagedRow, agent: Agent) -> None:
    owner = _person(run, row, "owner")
    team = _team(run, row)
    wanted = owner.pk if owner else None if row.data["owner"] == "" else agent.owner_id
    team_id = team.pk if team else None
    if wanted != agent.owner_id or (team_id is not None and team_id != agent.team_id):
        agent_change_owner(
            agent_id=agent.pk,
            owner_id=wanted,
            team_id=team_id,
            reason=run.reason,
            actor=run.actor,
        )


def _change_purpose(run: Run, data: dict[str, Any], agent: Agent) -> None:
    if data["purpose"] is None and data["tasks"] is None:
        return
    drafts = _standing(agent) if data["tasks"] is None else _drafts(run, data["tasks"])
    purpose = agent.purpose if data["purpose"] is None else data["purpose"]
    if purpose.strip() == agent.purpose and drafts == _standing(agent):
        return
    agent_change_purpose(
        agent_id=agent.pk, purpose=purpose, tasks=drafts, actor=run.actor, reason=run.reason
    )


def _drafts(run: Run, tasks: list[dict[str, Any]]) -> list[TaskDraft]:
    return [
        TaskDraft(
            title=task["title"].strip(),
            needs=tuple(sorted((_need(run, need) for need in task["needs"]), key=_order)),
        )
        for task in tasks
    ]


def _need(run: Run, need: dict[str, Any]) -> NeedDraft:
    system = run.system(need["system"])
    if system is None:
        raise DomainError(f"A task needs {need['system']}, which is no system known here.")
    tags = tuple(sorted(need["tags"]))
    return NeedDraft(system.pk, need["level"], need["service"].strip(), tags)


def _standing(agent: Agent) -> list[TaskDraft]:
    tasks = agent.tasks.filter(retired_at__isnull=True).order_by("position", "pk")
    return [
        TaskDraft(
            title=task.title,
            needs=tuple(
                sorted(
                    (
                        NeedDraft(
                            need.system_id, need.level, need.service, tuple(sorted(need.tags))
                        )
                        for need in task.needs.all()
                    ),
                    key=_order,
                )
            ),
        )
        for task in tasks.prefetch_related("needs")
    ]


def _order(need: NeedDraft) -> tuple[int, str]:
    return need.system_id, need.service


def _calls(run: Run, row: StagedRow) -> list[int] | None:
    names = row.data["calls"]
    if names is None:
        return None
    found = dict(Agent.objects.filter(name__in=names).values_list("name", "pk"))
    for name in names:
        if name not in found:
            where = f"{row.path}.calls" if row.path else row.data["name"]
            run.report.note(f"{where}: there is no agent {name}; left out.")
    return sorted(pk for name, pk in found.items() if name != row.data["name"])


def _person(run: Run, row: StagedRow, name: str) -> User | None:
    address = row.data[name]
    if not address:
        return None
    person: User | None = User.objects.active().filter(email__iexact=address).first()
    if person is None:
        where = f"{row.path}.{name}" if row.path else name
        run.report.note(f"{where}: nobody active here has the address {address}; left as it was.")
    return person


def _team(run: Run, row: StagedRow) -> Team | None:
    if not row.data["team"]:
        return None
    team = Team.objects.filter(name__iexact=row.data["team"]).first()
    if team is None:
        where = f"{row.path}.team" if row.path else "team"
        run.report.note(f"{where}: there is no team {row.data['team']}; left as it was.")
    return team


def _told(agent: Agent) -> dict[str, Any]:
    return {
        **{name: getattr(agent, name) for name in PLAIN},
        "purpose": agent.purpose,
        "owner": str(agent.owner or ""),
        "technical_owner": str(agent.technical_owner or ""),
        "team": str(agent.team or ""),
        "calls": sorted(agent.calls.values_list("callee__name", flat=True)),
        "tasks": [task.title for task in _standing(agent)],
        "needs": str([task.needs for task in _standing(agent)]),
    }
