from collections.abc import Sequence

from apps.audit.services import Fact, record_many
from apps.audit.verbs import Verb
from apps.connectors.models import StagedRow
from apps.connectors.services.run import CHUNK, Run
from apps.core.actors import Person
from apps.inventory.models import Agent, Binding
from apps.inventory.states import AgentState, BindingHow


def apply_bindings(run: Run) -> None:
    """Declare the bindings that are new, and end those the stream no longer lists."""
    listed: set[int] = set()
    for chunk in run.chunks("binding"):
        listed |= _apply(run, chunk)
    spared = run.protected("agent", "binding")
    if "binding" in run.complete and spared is not None:
        _end_unlisted(run, listed, spared)


def _apply(run: Run, rows: Sequence[StagedRow]) -> set[int]:
    identities = run.identities(rows)
    agents = {
        agent.name: agent
        for agent in Agent.objects.filter(name__in={row.data["agent"] for row in rows})
    }
    wanted = {}
    for row in rows:
        data = row.data
        agent = agents.get(data["agent"])
        identity = identities.get((data["system"], data["identity"]))
        if agent is None:
            run.reject(row, f"There is no agent {data['agent']}.")
        elif agent.state == AgentState.RETIRED:
            run.reject(row, f"{agent.name} is retired; a retired agent acts as nobody.")
        elif identity is None:
            run.reject(row, f"{data['system']} has no one identity {data['identity']}.")
        else:
            wanted[agent.pk, identity.pk] = (agent, identity)
    held = {
        (one.agent_id, one.identity_id): one.pk
        for one in Binding.objects.live().filter(
            agent__in=[pair[0] for pair in wanted], identity__in=[pair[1] for pair in wanted]
        )
    }
    new = [
        Binding(
            agent=agent,
            identity=identity,
            how=BindingHow.DECLARED,
            stream=run.stream,
            bound_by=run.actor.user if isinstance(run.actor, Person) else None,
        )
        for at, (agent, identity) in wanted.items()
        if at not in held
    ]
    Binding.objects.bulk_create(new)
    record_many(
        actor=run.actor,
        verb=Verb.BINDING_CREATED,
        facts=[
            Fact(
                one,
                {"agent": (None, one.agent.name), "identity": (None, one.identity.name)},
                run.reason,
            )
            for one in new
        ],
    )
    for one in new:
        run.report.of("binding").add("new", str(one))
        run.touched_identities.add(one.identity_id)
    same = {pk for at, pk in held.items() if at in wanted}
    run.report.of("binding").same += len(same)
    return same | {one.pk for one in new}


def _end_unlisted(run: Run, listed: set[int], spared: set[str]) -> None:
    missing = Binding.objects.live().filter(stream=run.stream).exclude(agent__name__in=spared)
    ended = [
        one
        for one in missing.select_related("agent", "identity")
        .select_for_update(of=["self"])
        .order_by("pk")
        if one.pk not in listed
    ]
    for start in range(0, len(ended), CHUNK):
        chunk = ended[start : start + CHUNK]
        pks = [one.pk for one in chunk]
        Binding.objects.filter(pk__in=pks).update(ended_at=run.now)
        facts = [Fact(one, {"ended_at": (None, run.now.isoformat())}, run.reason) for one in chunk]
        record_many(actor=run.actor, verb=Verb.BINDING_ENDED, facts=facts)
    for one in ended:
        run.report.of("binding").add("gone", str(one))
        run.touched_identities.add(one.identity_id)
        run.touched_agents.add(one.agent_id)
