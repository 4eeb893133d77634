"""A trace that comes in several bodies, by OTLP, from collectors and agents' own clients."""

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from apps.activity.headers import Whose
from apps.activity.models import DeedHour, Invocation, Link, Nameless, UseHour
from apps.activity.services.hours import hours_count
from apps.activity.services.projecting import events_project
from apps.core.actors import Person
from apps.inventory.services import client_change_collects
from tests.activity.runs import keep
from tests.api.test_ingest import post, send, traces

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
WHY = "It stands between our agents and the trail."
START = 1_700_000_000


def span(number, operation, *, within=0, agent="", at=0, lasting=1, **told):
    """A span by its number; `within` is that of its parent. Attributes have `__` for a dot."""
    begun = (START + at) * 10**9
    said = {"gen_ai.operation.name": operation, **({"gen_ai.agent.name": agent} if agent else {})}
    said |= {name.replace("__", "."): value for name, value in told.items()}
    return {
        "traceId": TRACE,
        "spanId": f"{number:016x}",
        **({"parentSpanId": f"{within:016x}"} if within else {}),
        "name": f"{operation} {agent}",
        "startTimeUnixNano": str(begun),
        "endTimeUnixNano": str(begun + lasting * 10**9),
        "attributes": [
            {"key": name, "value": {"stringValue": value}} for name, value in said.items()
        ],
    }


def tool(number, name, *, within, **told):
    return span(number, "execute_tool", within=within, gen_ai__tool__name=name, **told)


def tell(caller, *spans):
    """One body, kept by the door; then projected and counted, as it would be a little later."""
    (answer,) = send(post(caller, json=traces(*spans)))
    assert answer.status_code == 200, answer.text
    assert answer.json() == {}
    events_project()
    hours_count()


def collects_for(caller, agents, steward):
    client_change_collects(
        client_id=caller.client.pk,
        agent_ids=[one.pk for one in agents],
        reason=WHY,
        actor=Person(steward),
    )


def bodies_of(whole, *, is_reversed=False):
    """A protobuf body in as many as it has spans."""
    told = ExportTraceServiceRequest.FromString(whole)
    parts = []
    for group in told.resource_spans:
        for scoped in group.scope_spans:
            for one in scoped.spans:
                part = ExportTraceServiceRequest()
                resource = part.resource_spans.add()
                resource.resource.CopyFrom(group.resource)
                apart = resource.scope_spans.add()
                apart.scope.CopyFrom(scoped.scope)
                apart.spans.append(one)
                parts.append(part.SerializeToString())
    return parts[::-1] if is_reversed else parts


def recorded(binding, *calls):
    identity = binding.identity
    keep(*calls, whose=Whose(identity_id=identity.pk, system_id=identity.system_id))
    hours_count()


def state():
    """All that is summed up and joined, without the keys of rows."""
    runs = Invocation.objects.values_list(
        "agent_id", "name", "outcome", "events", "steps", "actions", "calls", "proven", "near",
        "root_span", "claimed_agent", "conversation", "run_key", "warnings", "started_at",
        "ended_at",
    )  # fmt: skip
    links = Link.objects.values_list("invocation__agent_id", "call_leaf", "action_leaf", "method")
    deeds = DeedHour.objects.values_list("agent_id", "name", "deeds", "confirmed", "unconfirmed")
    uses = UseHour.objects.values_list("agent_id", "name", "calls", "proven")
    named = Nameless.objects.values_list("leaf_index", "agent_id")
    return [sorted(rows, key=str) for rows in (runs, links, deeds, uses, named)]
