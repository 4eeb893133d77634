"""What an agent is designed to do: its purpose, the tasks of it, and what each task needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.jobs import enqueue
from apps.core.policies import enforce
from apps.inventory import policies
from apps.inventory.models import Agent, System, Task, TaskNeed
from apps.inventory.services.reasons import required_reason
from apps.inventory.states import AgentState


@dataclass(frozen=True, slots=True)
class NeedDraft:
    """A capability: a level on a service of a system; a blank service means any of it."""

    system_id: int
    level: str
    service: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """A task by its title: the same title is the same task, another one a new task."""

    title: str
    needs: tuple[NeedDraft, ...] = ()


@transaction.atomic
def agent_change_purpose(
    *,
    agent_id: int,
    purpose: str,
    tasks: Sequence[TaskDraft],
    actor: Actor,
    reason: str = "",
) -> Agent:
    """Write the purpose and all its tasks anew; a task left out is retired, never deleted.

    Written by somebody who benefits, it explains no write access until it is accepted. An
    agent that is past being proposed needs a reason, and keeps a purpose while it is active.
    """
    agent = Agent.objects.locked(agent_id)
    enforce(policies.can_change_agent(actor, agent))
    purpose = purpose.strip()
    if agent.state != AgentState.PROPOSED:
        reason = required_reason(reason, "the purpose changes")
    if agent.state == AgentState.ACTIVE and not purpose:
        raise DomainError("An active agent needs a purpose.")
    _demand_distinct(tasks)
    before = {"purpose": agent.purpose, "tasks": _told(agent)}
    _write_tasks(agent, tasks)
    after = {"purpose": purpose, "tasks": _told(agent)}
    changes = {key: (before[key], after[key]) for key in before if before[key] != after[key]}
    if not changes:
        return agent
    agent.purpose = purpose
    agent.purpose_changed_at = timezone.now()
    agent.purpose_changed_by = actor.user if isinstance(actor, Person) else None
    agent.save(update_fields=["purpose", "purpose_changed_at", "purpose_changed_by"])
    record(
        actor=actor,
        verb=Verb.AGENT_PURPOSE_CHANGED,
        target=agent,
        changes=changes,
        reason=reason,
    )
    enqueue("grants.refresh_fingerprints", agent_id=agent.pk)
    return agent


@transaction.atomic
def agent_accept_purpose(*, agent_id: int, actor: Actor, reason: str = "") -> Agent:
    """Agree to a purpose that somebody who benefits has changed."""
    agent = Agent.objects.locked(agent_id)
    enforce(policies.can_accept_purpose(actor, agent))
    before = agent.purpose_accepted_at
    agent.purpose_accepted_at = timezone.now()
    agent.purpose_accepted_by = actor.user if isinstance(actor, Person) else None
    agent.save(update_fields=["purpose_accepted_at", "purpose_accepted_by"])
    record(
        actor=actor,
        verb=Verb.AGENT_PURPOSE_ACCEPTED,
        target=agent,
        changes={"purpose_accepted_at": (before, agent.purpose_accepted_at)},
        reason=reason,
    )
    return agent


def _demand_distinct(tasks: Sequence[TaskDraft]) -> None:
    titles = [task.title.strip() for task in tasks]
    if not all(titles):
        raise DomainError("Every task needs a title.")
    if len({title.casefold() for title in titles}) < len(titles):
        raise DomainError("Two tasks have the same title.")
    for task in tasks:
        keys = [(need.system_id, need.service.strip()) for need in task.needs]
        if len(set(keys)) < len(keys):
            raise DomainError(f"The task “{task.title}” names one service of a system twice.")


def _write_tasks(agent: Agent, drafts: Sequence[TaskDraft]) -> None:
    standing = {task.title: task for task in agent.tasks.filter(retired_at__isnull=True)}
    wanted = {draft.title.strip() for draft in drafts}
    dropped = [task.pk for title, task in standing.items() if title not in wanted]
    agent.tasks.filter(pk__in=dropped).update(retired_at=timezone.now())
    for position, draft in enumerate(drafts, start=1):
        title = draft.title.strip()
        task = standing.get(title) or Task(agent=agent, title=title)
        task.position = position
        task.save()
        _write_needs(task, draft.needs)


def _write_needs(task: Task, drafts: Sequence[NeedDraft]) -> None:
    task.needs.all().delete()
    TaskNeed.objects.bulk_create(
        TaskNeed(
            task=task,
            system_id=need.system_id,
            service=need.service.strip(),
            level=need.level,
            tags=list(need.tags),
        )
        for need in drafts
    )


def _told(agent: Agent) -> list[dict[str, Any]]:
    """The tasks as the record tells them."""
    names = dict(System.objects.filter(pk__in=_systems(agent)).values_list("pk", "name"))
    tasks = agent.tasks.filter(retired_at__isnull=True).prefetch_related("needs")
    return [
        {
            "title": task.title,
            "needs": sorted(
                f"{need.level} {need.service or 'anything'} on {names[need.system_id]}"
                for need in task.needs.all()
            ),
        }
        for task in tasks.order_by("position", "pk")
    ]


def _systems(agent: Agent) -> Any:
    return TaskNeed.objects.filter(task__agent=agent).values("system_id")
