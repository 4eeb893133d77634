"""Bodies of OTLP as agents send them, for measuring: runs of eight spans, of 1.1 kB each."""

import json
import random
from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SPANS_IN_RUN = 8
MILLISECOND = 1_000_000
STARTS = 1_790_000_000_000_000_000
TEXT = (
    "the customer asks for a refund of an order that came late and the agent looks up the order "
    "checks the return period of thirty days and the amount against its limit before it answers"
)
WORDS = TEXT.split()


def bodies(count: int, *, spans: int, seed: int = 1) -> Iterator[bytes]:
    """So many requests of so many spans each; no two hold the same run."""
    chance = random.Random(seed)  # noqa: S311
    for _ in range(count):
        request = ExportTraceServiceRequest()
        group = request.resource_spans.add()
        group.resource.attributes.add(key="service.name").value.string_value = "refunds"
        scoped = group.scope_spans.add()
        scoped.scope.name = "bench"
        while len(scoped.spans) < spans:
            _run(scoped, chance, spans - len(scoped.spans))
        yield bytes(request.SerializeToString())


def _run(scoped: Any, chance: random.Random, most: int) -> None:
    trace, root = chance.randbytes(16), chance.randbytes(8)
    conversation = chance.randbytes(8).hex()
    begins = STARTS + chance.randrange(10**15)
    for at in range(min(SPANS_IN_RUN, most)):
        name, told = _said(at, chance)
        span = scoped.spans.add(
            trace_id=trace,
            span_id=root if at == 0 else chance.randbytes(8),
            parent_span_id=b"" if at == 0 else root,
            name=name,
            kind=1,
            start_time_unix_nano=begins + at * MILLISECOND,
            end_time_unix_nano=begins + (SPANS_IN_RUN if at == 0 else at + 1) * MILLISECOND,
        )
        told |= {
            "gen_ai.agent.name": "refund-agent",
            "gen_ai.conversation.id": conversation,
            "server.address": "models.example.com",
            "server.port": 443,
        }
        for key, value in told.items():
            held = span.attributes.add(key=key).value
            if isinstance(value, int):
                held.int_value = value
            else:
                held.string_value = value


def _said(at: int, chance: random.Random) -> tuple[str, dict[str, Any]]:
    order = f"A{chance.randrange(10**6)}"
    if at == 0:
        return "invoke_agent refund-agent", {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.system": "openai",
            "gen_ai.usage.input_tokens": chance.randrange(5000),
            "gen_ai.input.messages": _messages(("user", _words(chance, 60))),
            "gen_ai.output.messages": _messages(("assistant", _words(chance, 40))),
        }
    if at % 2:
        return "chat gpt-4o", {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.id": chance.randbytes(12).hex(),
            "gen_ai.usage.input_tokens": chance.randrange(5000),
            "gen_ai.usage.output_tokens": chance.randrange(500),
            "gen_ai.input.messages": _messages(
                ("system", _words(chance, 30)), ("user", _words(chance, 40))
            ),
            "gen_ai.output.messages": _messages(("assistant", _words(chance, 30))),
        }
    return "execute_tool lookup_order", {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "lookup_order",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": f"call_{chance.randbytes(8).hex()}",
        "gen_ai.tool.call.arguments": json.dumps({"order": order, "why": _words(chance, 20)}),
        "gen_ai.tool.call.result": json.dumps({"order": order, "state": _words(chance, 80)}),
        "gen_ai.tool.description": "Looks up one order by its number.",
    }


def _messages(*told: tuple[str, str]) -> str:
    return json.dumps(
        [{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in told]
    )


def _words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(WORDS, k=count))
