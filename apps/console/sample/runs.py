"""What the invented company's agents told of their latest runs, and what systems recorded of it."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apps.activity.conventions.native import readings_of
from apps.activity.headers import Whose
from apps.activity.readings import Reading
from apps.activity.services.append import Delivery, deliveries_append
from apps.activity.services.covering import stream_cover
from apps.activity.services.projecting import events_project
from apps.activity.services.streams import stream_add
from apps.activity.services.trails import connected_agents
from apps.activity.states import LogFormat
from apps.core.actors import System as Countersign
from apps.core.correlation import correlation_new
from apps.inventory.models import Agent, Binding, Identity, System

# How a deed turned out, and whether the system's own log has it.
SEEN, UNSEEN, DENIED = "seen", "unseen", "denied"
NEWEST = timedelta(minutes=12)
APART = timedelta(hours=5, minutes=37)
STEP = timedelta(seconds=3)
CLIENT = "countersign-sample/1.0"
ACTOR = Countersign("sample data")
LOGGED_KINDS = ("payments", "helpdesk", "erp", "cloud")
KNOWN_FOR = timedelta(days=120)
MAPPING = {"name": "action", "happened_at": "time", "principal": "actor", "target": "object"}


@dataclass(frozen=True, slots=True)
class Deed:
    """One tool that was used: on which system, as what its log calls it, and how it turned out."""

    tool: str
    system: str
    action: str
    level: str
    target: str
    arguments: dict[str, Any]
    result: Any
    turned: str = SEEN


@dataclass(frozen=True, slots=True)
class Run:
    agent: str
    told: str
    thoughts: tuple[str, ...]
    deeds: tuple[Deed, ...]
    outcome: str
    status: str = "ok"
    flagged: str = ""
    # What the system saw and the agent never told.
    untold: tuple[tuple[str, str], ...] = field(default=())


RUNS = (
    Run(
        "refund-assistant",
        "Order A-2291 came eleven days late. The customer asks for the 48.90 back.",
        ("The order is inside the return period. I read the ticket first.",
         "48.90 is below the limit of 150: I refund it."),
        (Deed("read_ticket", "Helpdesk", "tickets.read", "read", "tickets/team/71804",
              {"ticket": 71804},
              {"subject": "Order A-2291 late", "state": "open"}),
         Deed("refund", "Payments", "refunds.create", "write", "refunds/team/ch_2291",
              {"order": "A-2291", "amount": 48.9},
              {"refund": "re_9031", "state": "succeeded"})),
        "Refunded 48.90 for order A-2291 and told the customer.",
    ),
    Run(
        "refund-assistant",
        "Refund order A-2307, 312.00, the customer is angry.",
        ("312.00 is above my limit of 150. I try, and say so if it is refused.",),
        (Deed("refund", "Payments", "refunds.create", "write", "refunds/team/ch_2307",
              {"order": "A-2307", "amount": 312},
              {"error": "over the limit of this key"}, DENIED),),
        "Not refunded: 312.00 is above the limit. A person has to decide.",
        status="denied",
        flagged="It was asked to refund more than its limit.",
    ),
    Run(
        "support-triage",
        "Sort the tickets that came in since 08:00.",
        ("Three tickets. I look up who wrote the first.", "A customer with a contract: high."),
        (Deed("find_customer", "CRM", "customers.read", "read", "customers/team/5521",
              {"mail": "buyer@example.com"},
              {"customer": 5521, "contract": "gold"}),
         Deed("set_priority", "Helpdesk", "tickets.update", "write", "tickets/team/71811",
              {"ticket": 71811, "to": "high"},
              {"ticket": 71811, "priority": "high"})),
        "Sorted 3 tickets: one high, two normal.",
    ),
    Run(
        "invoice-matcher",
        "Match the invoices of this morning with their purchase orders.",
        ("INV-8812 fits PO-3307 to the cent.", "I prepare the payment for a clerk."),
        (Deed("match_invoice", "ERP", "invoices.match", "write", "invoices/team/INV-8812",
              {"invoice": "INV-8812", "order": "PO-3307"}, {"matched": True}),
         Deed("prepare_payment", "ERP", "payments.prepare", "write", "payments/team/44120",
              {"invoice": "INV-8812", "amount": 1980.0}, {"payment": 44120, "state": "draft"},
              UNSEEN)),
        "Matched one invoice and prepared payment 44120.",
    ),
    Run(
        "capacity-keeper",
        "The checkout service answers slowly.",
        ("Four instances at 93 % load. The plan allows six.",),
        (Deed("scale", "Cloud production", "compute.scale", "write", "compute/team/checkout",
              {"from": 4, "to": 6},
              {"instances": 6}),),
        "Scaled checkout from 4 to 6 instances.",
        untold=(("Cloud production", "access.mint-token"),),
    ),
    Run(
        "pipeline-doctor",
        "Pipeline web-deploy failed at the step that pushes the image.",
        ("The registry answered 503. That is a known cause: I start it again.",),
        (Deed("start_pipeline", "Code host", "pipelines.run", "write", "pipelines/team/web-deploy",
              {"pipeline": 8841},
              {"error": "503 Service Unavailable"}, UNSEEN),),
        "Could not start it: the code host does not answer.",
        status="failed",
    ),
)  # fmt: skip


def runs_load(*, now: datetime, days: int = 3) -> int:
    """Deliver the latest runs of some agents, again and again back in time; returns how many."""
    agents = {one.name: one for one in Agent.objects.filter(name__in={run.agent for run in RUNS})}
    identities = {
        (one.agent_id, one.identity.system.name): one.identity
        for one in Binding.objects.live()
        .filter(agent__in=agents.values())
        .select_related("identity__system")
        .order_by("pk")
    }
    _logs_read({identity.system for identity in identities.values()}, now)
    count, at = 0, now - NEWEST
    while at > now - timedelta(days=days):
        run = RUNS[count % len(RUNS)]
        if run.agent in agents:
            _deliver(run, agents[run.agent], identities, at)
        count, at = count + 1, at - APART
    events_project()
    # Their own entries say already, in this transaction, what else changed of these agents.
    Agent.objects.filter(pk__in=connected_agents(now)).update(trail_connected=True)
    return count


def _logs_read(systems: Iterable[System], now: datetime) -> None:
    """The logs of some systems are read, and whole; those of others are not known."""
    for system in systems:
        if system.kind in LOGGED_KINDS:
            stream = stream_add(
                system=system, log_format=LogFormat.GENERIC, mapping=MAPPING, actor=ACTOR
            )
            stream_cover(stream, [(now - KNOWN_FOR, now)])
            stream.last_event_at = now - NEWEST
            stream.save()


def _deliver(
    run: Run, agent: Agent, identities: dict[tuple[int, str], Identity], at: datetime
) -> None:
    correlation = correlation_new()
    kinds = {one.system.name: one.system.kind for one in identities.values()}
    told = readings_of(correlation, _records(run, correlation, at, kinds))
    own = Whose(agent_id=agent.pk, agent=agent.name, attested_by="sample data")
    seen = [
        (reading, _of_system(identities[agent.pk, system]))
        for system, reading in _seen(run, correlation, at)
        if (agent.pk, system) in identities
    ]
    digest = hashlib.sha256(json.dumps([run.told, correlation]).encode()).digest()
    deliveries_append(
        [
            Delivery("sample:agents", digest, [(one, own) for one in told]),
            *([Delivery("sample:systems", digest, seen)] if seen else []),
        ]
    )


def _records(
    run: Run, correlation: str, at: datetime, kinds: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """What the agent told: its thoughts and deeds in turn, and the run as a whole.

    It names the kind of a system, as telemetry does: `kinds` has it by the system's name.
    """
    moments = len(run.thoughts) + len(run.deeds)
    yield {
        "kind": "invocation",
        "name": run.agent,
        "started_at": at.isoformat(),
        "ended_at": (at + STEP * (moments + 1)).isoformat(),
        "status": run.status,
        "told": run.told,
        "outcome": run.outcome,
    }
    for place, thought in enumerate(run.thoughts):
        yield {
            "kind": "step",
            "id": f"thought {place}",
            "name": "think",
            "started_at": (at + STEP * (2 * place + 1)).isoformat(),
            "status": "ok",
            "decided": {"reasoning": thought},
        }
    for place, deed in enumerate(run.deeds):
        started = at + STEP * (2 * place + 2)
        yield {
            "kind": "action",
            "name": deed.tool,
            "started_at": started.isoformat(),
            "ended_at": (started + STEP / 2).isoformat(),
            "parent": f"thought {min(place, len(run.thoughts) - 1)}",
            "target": deed.target,
            "level": deed.level,
            "system": kinds.get(deed.system, ""),
            "status": _status(run, deed),
            "request_id": _request(correlation, place),
            "did": {"tool": deed.tool, "arguments": deed.arguments},
            "result": deed.result,
        }
    if run.flagged:
        yield {
            "kind": "guard",
            "name": "limit",
            "started_at": (at + STEP * moments).isoformat(),
            "status": "failed",
            "severity": 2,
            "anomaly": {"type": "limit", "detail": run.flagged},
        }


def _seen(run: Run, correlation: str, at: datetime) -> Iterator[tuple[str, Reading]]:
    """What the systems' own logs hold of the run."""
    for place, deed in enumerate(run.deeds):
        if deed.turned != UNSEEN:
            outcome = "denied" if deed.turned == DENIED else "ok"
            yield (
                deed.system,
                _call(
                    deed.action,
                    at + STEP * (2 * place + 2) + STEP / 4,
                    target=deed.target,
                    level=deed.level,
                    outcome=outcome,
                    request_id=_request(correlation, place),
                    body={"did": deed.arguments},
                ),
            )
    for place, (system, name) in enumerate(run.untold):
        yield (
            system,
            _call(
                name,
                at + STEP * 2 + STEP / 3,
                level="read",
                outcome="ok",
                request_id=_request(correlation, 100 + place),
            ),
        )


def _call(name: str, at: datetime, **said: Any) -> Reading:
    moment = int(at.timestamp() * 1_000_000) * 1000
    return Reading("api", name, moment, moment, address="203.0.113.24", client=CLIENT, **said)


def _of_system(identity: Identity) -> Whose:
    return Whose(
        identity_id=identity.pk,
        identity=identity.name,
        system_id=identity.system_id,
        system=identity.system.name,
        attested_by="sample data",
    )


def _request(correlation: str, place: int) -> str:
    return f"{correlation[:8]}-{correlation[-8:]}-{place}"


def _status(run: Run, deed: Deed) -> str:
    if deed.turned == DENIED:
        return "denied"
    return "failed" if run.status == "failed" else "ok"
