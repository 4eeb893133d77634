"""Agents: proposed, changed, activated, suspended, retired."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.services import Fact, record, record_many
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Role
from apps.core.errors import DomainError
from apps.core.jobs import enqueue
from apps.core.policies import Verdict, enforce
from apps.inventory import policies
from apps.inventory.models import Agent, AgentCall
from apps.inventory.selectors.readiness import Check, gap_keys, readiness_of
from apps.inventory.services.clients import clients_end
from apps.inventory.services.reasons import required_reason
from apps.inventory.states import AGENT_MOVES, AgentState

CHANGEABLE = (
    "name",
    "technical_owner_id",
    "environment",
    "platform",
    "autonomy",
    "has_human_step",
    "version",
    "model",
    "instructions_sha256",
    "tools",
    "trail_connected",
)
# What the agent is built of: when one changes, its purpose may have become stale.
DESIGN = (
    "environment",
    "autonomy",
    "has_human_step",
    "version",
    "model",
    "instructions_sha256",
    "tools",
)


@transaction.atomic
def agent_create(
    *,
    name: str,
    actor: Actor,
    owner_id: int | None = None,
    team_id: int | None = None,
    calls: Sequence[int] = (),
    **fields: Any,
) -> Agent:
    """Propose an agent. `fields` are those of `CHANGEABLE`; its purpose is written afterwards."""
    enforce(policies.can_create_agent_for(actor, owner_id))
    _demand_owner(owner_id)
    _demand_known(fields)
    agent = _saved(Agent(name=name.strip(), owner_id=owner_id, team_id=team_id, **fields))
    _set_calls(agent, calls)
    said = {"name": (None, agent.name), "owner": (None, _name_of(agent.owner))}
    record(actor=actor, verb=Verb.AGENT_CREATED, target=agent, changes=said)
    enqueue("grants.refresh_fingerprints", agent_id=agent.pk)
    return agent


@transaction.atomic
def agent_change(
    *,
    agent_id: int,
    actor: Actor,
    reason: str = "",
    calls: Sequence[int] | None = None,
    **fields: Any,
) -> Agent:
    """Change what an agent is built of. Purpose, owner, and team have acts of their own."""
    agent = Agent.objects.locked(agent_id)
    enforce(policies.can_change_agent(actor, agent))
    _demand_known(fields)
    changes = _apply(agent, fields)
    if calls is not None:
        changes |= _set_calls(agent, calls)
    if not changes:
        return agent
    if {*changes} & {*DESIGN, "calls"}:
        agent.design_changed_at = timezone.now()
    _saved(agent)
    record(actor=actor, verb=Verb.AGENT_CHANGED, target=agent, changes=changes, reason=reason)
    enqueue("grants.refresh_fingerprints", agent_id=agent.pk)
    return agent


@transaction.atomic
def agent_change_owner(
    *, agent_id: int, owner_id: int | None, reason: str, actor: Actor, team_id: int | None = None
) -> Agent:
    """Name who answers for an agent and, if given, the team that stands beside them."""
    agent = Agent.objects.locked(agent_id)
    enforce(policies.can_change_owner(actor, agent))
    text = required_reason(reason, "the owner changes")
    _demand_owner(owner_id)
    if owner_id is None and agent.state == AgentState.ACTIVE:
        raise DomainError("An active agent needs an owner: name another one, or suspend it first.")
    before = {"owner": _name_of(agent.owner), "team": _name_of(agent.team)}
    agent.owner_id = owner_id
    if team_id is not None:
        agent.team_id = team_id
    agent.save(update_fields=["owner", "team"])
    agent = Agent.objects.select_related("owner", "team").get(pk=agent_id)
    after = {"owner": _name_of(agent.owner), "team": _name_of(agent.team)}
    changes = {key: (before[key], after[key]) for key in before if before[key] != after[key]}
    if changes:
        record(
            actor=actor, verb=Verb.AGENT_OWNER_CHANGED, target=agent, changes=changes, reason=text
        )
        enqueue("grants.refresh_fingerprints", agent_id=agent.pk)
    return agent


@transaction.atomic
def agent_activate(
    *,
    agent_id: int,
    actor: Actor,
    reason: str = "",
    further_checks: Sequence[Check] = (),
    authority: Verdict | None = None,
) -> Agent:
    """Let a proposed agent work.

    What its readiness lacks needs a reason, and stays on the agent for a finding to read.
    `further_checks` are those of apps above (`grants.services.agents.agent_activate`).
    """
    agent = Agent.objects.locked(agent_id)
    enforce(policies.can_activate_agent(actor, agent) if authority is None else authority)
    if agent.state != AgentState.PROPOSED:
        raise DomainError("Only a proposed agent is activated; a suspended one is resumed.")
    gaps = gap_keys([*readiness_of([agent_id])[agent_id], *further_checks])
    text = required_reason(reason, "it starts although something is missing") if gaps else reason
    agent.activation_gaps = gaps
    changes = {"missing": (None, gaps)} if gaps else {}
    return _move(
        agent,
        AgentState.ACTIVE,
        verb=Verb.AGENT_ACTIVATED,
        actor=actor,
        reason=text,
        changes=changes,
    )


@transaction.atomic
def agent_suspend(
    *, agent_id: int, reason: str, actor: Actor, authority: Verdict | None = None
) -> Agent:
    agent = Agent.objects.locked(agent_id)
    enforce(policies.can_suspend_agent(actor, agent) if authority is None else authority)
    text = required_reason(reason, "it is suspended")
    return _move(agent, AgentState.SUSPENDED, verb=Verb.AGENT_SUSPENDED, actor=actor, reason=text)


@transaction.atomic
def agent_resume(*, agent_id: int, reason: str, actor: Actor) -> Agent:
    agent = Agent.objects.locked(agent_id)
    enforce(policies.can_activate_agent(actor, agent))
    if agent.state != AgentState.SUSPENDED:
        raise DomainError("Only a suspended agent is resumed.")
    text = required_reason(reason, "it may work again")
    return _move(agent, AgentState.ACTIVE, verb=Verb.AGENT_RESUMED, actor=actor, reason=text)


@transaction.atomic
def agent_retire(*, agent_id: int, reason: str, actor: Actor) -> Agent:
    """End an agent for good, and its client of the API with it.

    The removal of what it alone holds in other systems is ordered by the caller.
    """
    agent = Agent.objects.locked(agent_id)
    enforce(policies.can_retire_agent(actor, agent))
    text = required_reason(reason, "it is retired")
    clients_end(agent_id=agent_id, reason=text, actor=actor)
    return _move(agent, AgentState.RETIRED, verb=Verb.AGENT_RETIRED, actor=actor, reason=text)


@transaction.atomic
def agents_close_gaps(*, still_missing: Mapping[int, Sequence[str]], actor: Actor) -> int:
    """Keep of each agent's activation gaps only what is still missing; one entry per change."""
    rows = Agent.objects.filter(pk__in=still_missing).select_for_update(of=["self"])
    facts, changed = [], []
    for agent in rows.order_by("pk"):
        left = [gap for gap in agent.activation_gaps if gap in still_missing[agent.pk]]
        if left != agent.activation_gaps:
            facts.append(Fact(agent, {"activation_gaps": (agent.activation_gaps, left)}))
            agent.activation_gaps = left
            changed.append(agent)
    Agent.objects.bulk_update(changed, ["activation_gaps"], batch_size=500)
    return record_many(actor=actor, verb=Verb.AGENT_CHANGED, facts=facts)


@transaction.atomic
def trails_connect(*, agent_ids: Collection[int], actor: Actor) -> int:
    """Note of agents that tell what they do that their trail is connected; one entry per change."""
    rows = Agent.objects.filter(pk__in=agent_ids, trail_connected=False)
    agents = list(rows.select_for_update(of=["self"]).order_by("pk"))
    if not agents:
        return 0
    Agent.objects.filter(pk__in=[one.pk for one in agents]).update(trail_connected=True)
    facts = [Fact(one, {"trail_connected": (False, True)}, "It told of a run.") for one in agents]
    return record_many(actor=actor, verb=Verb.AGENT_TRAIL_CONNECTED, facts=facts)


def _move(
    agent: Agent,
    state: AgentState,
    *,
    verb: Verb,
    actor: Actor,
    reason: str,
    changes: Mapping[str, tuple[Any, Any]] | None = None,
) -> Agent:
    before = agent.state
    AGENT_MOVES.check(before, state)
    agent.state = state
    agent.save(update_fields=["state", "activation_gaps"])
    said = {"state": (before, state), **(changes or {})}
    record(actor=actor, verb=verb, target=agent, changes=said, reason=reason)
    return agent


def _apply(agent: Agent, fields: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    changes = {}
    for name, value in fields.items():
        before = getattr(agent, name)
        if before != value:
            setattr(agent, name, value)
            changes[name] = (before, value)
    return changes


def _set_calls(agent: Agent, calls: Sequence[int]) -> dict[str, tuple[Any, Any]]:
    wanted = set(calls)
    if agent.pk in wanted:
        raise DomainError("An agent cannot call itself.")
    before = set(agent.calls.values_list("callee_id", flat=True))
    if before == wanted:
        return {}
    agent.calls.filter(callee__in=before - wanted).delete()
    AgentCall.objects.bulk_create(
        AgentCall(caller=agent, callee_id=pk) for pk in sorted(wanted - before)
    )
    names = dict(Agent.objects.filter(pk__in=before | wanted).values_list("pk", "name"))
    told = [sorted(names[pk] for pk in side if pk in names) for side in (before, wanted)]
    return {"calls": (told[0], told[1])}


def _saved(agent: Agent) -> Agent:
    """Save, and say in words what the database refuses."""
    if not agent.name:
        raise DomainError("An agent needs a name.")
    try:
        with transaction.atomic():
            agent.save()
    except IntegrityError as error:
        if "inventory_agent_name" in str(error):
            raise DomainError("Another agent has this name.") from error
        raise
    return agent


def _demand_known(fields: Mapping[str, Any]) -> None:
    unknown = set(fields) - set(CHANGEABLE)
    if unknown:
        raise TypeError(f"Not to be changed here: {', '.join(sorted(unknown))}")


def _demand_owner(owner_id: int | None) -> None:
    if owner_id is None:
        return
    owner = User.objects.active().filter(pk=owner_id).first()
    if owner is None:
        raise DomainError("The owner must be a person whose account is active.")
    if owner.role == Role.AUDITOR:
        raise DomainError("An auditor owns no agents.")


def _name_of(subject: object) -> str | None:
    return None if subject is None else str(subject)
