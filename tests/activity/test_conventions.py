"""What frameworks write that the captured bodies do not show, and what no table knows."""

import json

import pytest

from tests.activity.making import event, log, reading, readings, span

EVALUATION, THREAT = "gen_ai.evaluation", "agent.threat.detection"
ASKED = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "refund order A1"}]}])


def test_a_span_that_no_table_knows_keeps_everything_it_said():
    one = reading(
        "brew", coffee__beans="arabica", coffee__grams=18, coffee__steps=["grind", "pour"]
    )

    assert (one.kind, one.name, one.outcome) == ("other", "brew", "ok")
    assert one.body["rest"]["coffee.beans"] == "arabica"
    assert one.body["rest"]["coffee.grams"] == 18
    assert one.body["rest"]["coffee.steps"] == ["grind", "pour"]


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"gen_ai.operation.name": "invoke_workflow"}, "invocation"),
        ({"gen_ai.operation.name": "plan"}, "step"),
        ({"gen_ai.operation.name": "retrieval"}, "action"),
        ({"gen_ai.operation.name": "delete_memory"}, "action"),
        ({"openinference.span.kind": "RERANKER"}, "step"),
        ({"openinference.span.kind": "RETRIEVER"}, "action"),
        ({"openinference.span.kind": "GUARDRAIL"}, "guard"),
        ({"traceloop.span.kind": "workflow"}, "invocation"),
        ({"traceloop.span.kind": "tool"}, "action"),
        ({"gen_ai.operation.name": "execute_task", "traceloop.span.kind": "task"}, "step"),
        ({"mcp.method.name": "tools/call"}, "action"),
        ({"mcp.method.name": "initialize"}, "other"),
        ({"aws.request_id": "R1"}, "call"),
        ({"gen_ai.operation.name": "brew"}, "other"),
    ],
)
def test_each_convention_says_what_a_span_is(attributes, kind):
    assert reading("x", **attributes).kind == kind


def test_a_call_to_aws_is_named_as_its_log_names_it():
    one = reading(
        "S3.ListBuckets",
        rpc__system="aws-api",
        rpc__service="Secrets Manager",
        rpc__method="GetSecretValue",
        aws__request_id="e033959a-0c5a",
        http__response__status_code=200,
    )

    assert (one.kind, one.name) == ("call", "secretsmanager:GetSecretValue")
    assert (one.request_id, one.system, one.level) == ("e033959a-0c5a", "aws", "read")
    assert one.outcome == "ok"


def test_a_call_over_http_leaves_no_query_and_no_password_in_its_target():
    (one,) = readings(
        span(
            "GET",
            http__request__method="GET",
            url__full="https://me:secret@api.github.com/repos/x?token=abc",
            server__address="api.github.com",
            http__response__status_code=403,
            **{"http.response.header.x-github-request-id": ["C0FFEE:1"]},
        )
        | {"kind": 3}
    )

    assert (one.kind, one.name) == ("call", "GET api.github.com")
    assert one.target == "https://api.github.com/repos/x"
    assert (one.system, one.level, one.outcome) == ("github", "read", "denied")
    assert one.request_id == "C0FFEE:1"


def test_a_query_is_known_by_its_verb():
    (one,) = readings(
        span("orders", db__system="postgresql", db__statement="DROP TABLE orders", db__name="shop")
        | {"kind": "SPAN_KIND_CLIENT"}
    )

    assert (one.name, one.target, one.level) == ("postgresql:DROP", "shop", "admin")
    assert one.body["did"]["query"] == "DROP TABLE orders"


def test_a_model_called_over_http_is_a_step_and_no_call():
    (one,) = readings(
        span("chat", gen_ai__operation__name="chat", http__request__method="POST") | {"kind": 3}
    )

    assert one.kind == "step"


def test_an_error_says_why():
    (failed,) = readings(
        span(
            "execute_tool refund",
            gen_ai__operation__name="execute_tool",
            gen_ai__tool__name="refund",
        )
        | {"status": {"code": 2, "message": "order A1 not found"}}
    )
    (denied,) = readings(
        span(
            "execute_tool refund",
            gen_ai__operation__name="execute_tool",
            error__type="AccessDenied",
        )
    )

    assert (failed.outcome, failed.body["outcome"]) == ("failed", "order A1 not found")
    assert (denied.outcome, denied.body["outcome"]) == ("denied", "AccessDenied")


def test_a_refusal_that_only_the_message_tells_is_a_denial():
    told = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "refund"}
    refused = span("execute_tool refund", **told) | {
        "status": {"code": 2, "message": "AccessDenied: not authorized to perform refund"}
    }

    assert readings(refused)[0].outcome == "denied"


def test_a_tool_that_says_it_failed_failed():
    one = reading("t", gen_ai__operation__name="execute_tool", gen_ai__tool__status="error")

    assert one.outcome == "failed"


@pytest.mark.parametrize("operation", ["invoke_agent", "chat", "execute_tool"])
def test_content_that_was_not_sent_is_said(operation):
    one = reading("x", gen_ai__operation__name=operation)

    assert one.warnings == ("content not captured",)
    assert one.body["missing"]


def test_text_before_a_tool_call_is_a_decision_and_alone_an_outcome():
    call = {"type": "tool_call", "id": "c1", "name": "refund", "arguments": {"order": "A1"}}
    said = {"type": "text", "content": "I will refund it."}

    def step(*parts):
        told = json.dumps([{"role": "assistant", "parts": parts}])
        return reading("chat", gen_ai__operation__name="chat", gen_ai__output__messages=told).body

    assert step(said, call)["decided"] == {
        "calls": [{"name": "refund", "arguments": {"order": "A1"}, "id": "c1"}],
        "said": "I will refund it.",
    }
    assert step(said)["outcome"] == "I will refund it."
    assert "outcome" not in step(said, call)


ORDER = {"order": "A1"}
CHOSEN = {
    "openai": [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "function": {"name": "refund", "arguments": '{"order":"A1"}'}}
            ],
        }
    ],
    "openai responses": [
        {"type": "function_call", "call_id": "c1", "name": "refund", "arguments": '{"order":"A1"}'}
    ],
    "anthropic": [
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "c1", "name": "refund", "input": ORDER}],
        }
    ],
    "bedrock": [{"toolUse": {"toolUseId": "c1", "name": "refund", "input": ORDER}}],
    "gemini": [
        {
            "role": "model",
            "parts": [{"function_call": {"id": "c1", "name": "refund", "args": ORDER}}],
        }
    ],
    "langchain": {
        "messages": [
            {
                "type": "ai",
                "data": {
                    "content": "",
                    "tool_calls": [{"id": "c1", "name": "refund", "args": ORDER}],
                },
            }
        ]
    },
}


@pytest.mark.parametrize("output", CHOSEN.values(), ids=CHOSEN)
def test_a_chosen_call_reads_the_same_from_every_provider(output):
    one = reading(
        "chat", gen_ai__operation__name="chat", gen_ai__output__messages=json.dumps(output)
    )

    assert one.body["decided"]["calls"] == [
        {"name": "refund", "arguments": {"order": "A1"}, "id": "c1"}
    ]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "reasoning", "content": "order is late"},
        {"type": "thinking", "thinking": "order is late"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "order is late"}]},
        {"reasoningContent": {"reasoningText": {"text": "order is late"}}},
    ],
)
def test_reasoning_reads_the_same_from_every_provider(part):
    told = json.dumps([{"role": "assistant", "content": [part]}])
    one = reading("chat", gen_ai__operation__name="chat", gen_ai__output__messages=told)

    assert one.body["decided"] == {"reasoning": "order is late"}


def test_a_turn_in_several_messages_is_one_decision_and_an_earlier_turn_none_of_it():
    said = [
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "So."}],
        },
        {"type": "function_call", "call_id": "c1", "name": "refund", "arguments": '{"order":"A1"}'},
    ]
    earlier = [
        {"role": "assistant", "tool_calls": [{"id": "c0", "function": {"name": "look"}}]},
        {"role": "tool", "content": "late"},
        {"role": "assistant", "content": "Let me see."},
        {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "refund"}}]},
    ]

    def decided(output):
        told = {"gen_ai.operation.name": "chat", "gen_ai.output.messages": json.dumps(output)}
        return reading("chat", **told).body["decided"]

    assert (decided(said)["said"], decided(said)["calls"][0]["id"]) == ("So.", "c1")
    assert decided(earlier)["said"] == "Let me see."
    assert [one["id"] for one in decided(earlier)["calls"]] == ["c1"]


def test_what_no_part_is_known_for_is_kept_beside():
    told = json.dumps([{"role": "assistant", "parts": [{"type": "hologram", "content": "x"}]}])
    one = reading("chat", gen_ai__operation__name="chat", gen_ai__output__messages=told)

    assert one.body["rest"]["gen_ai.output.messages"] == told


def test_flattened_lists_of_traceloop_are_put_together():
    one = reading(
        "openai.chat",
        **{
            "gen_ai.operation.name": "chat",
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": "refund order A1",
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.tool_calls.0.id": "c1",
            "gen_ai.completion.0.tool_calls.0.name": "refund",
            "gen_ai.completion.0.tool_calls.0.arguments": '{"order": "A1"}',
        },
    )

    assert one.body["told"] == "refund order A1"
    assert one.body["decided"]["calls"][0]["arguments"] == {"order": "A1"}


def test_an_invocation_reported_twice_nested_counts_once():
    told = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "refunds"}
    outer, inner = span("invoke_agent refunds", 1, **told), span("refunds.workflow", 2, **told)
    helper = span("invoke_agent helper", 3, **told | {"gen_ai.agent.name": "helper"})
    nested = [one | {"parentSpanId": f"{1:016x}"} for one in (inner, helper)]

    assert [one.kind for one in readings(*nested, outer)] == ["other", "invocation", "invocation"]


def test_arguments_in_an_envelope_are_the_arguments():
    smolagents = reading(
        "SimpleTool",
        **{
            "openinference.span.kind": "TOOL",
            "tool.name": "refund",
            "input.value": json.dumps({"args": [], "sanitize": True, "kwargs": ORDER}),
        },
    )
    traceloop = reading(
        "execute_tool refund",
        gen_ai__operation__name="execute_tool",
        gen_ai__tool__call__arguments='{"input_str": "x", "inputs": {"order": "A1"}, "tags": []}',
    )

    assert smolagents.body["did"] == {"tool": "refund", "arguments": {"order": "A1"}}
    assert traceloop.body["did"]["arguments"] == {"order": "A1"}


def test_smolagents_names_its_agent_in_the_name_of_the_span():
    one = reading(
        "refund_agent.run",
        scope="openinference.instrumentation.smolagents",
        **{"openinference.span.kind": "AGENT", "input.value": '{"task": "refund order A1"}'},
    )

    assert one.name == one.claimed_agent == "refund_agent"
    assert "refund order A1" in one.body["told"]


def test_google_adk_says_its_content_in_log_events():
    asked = log(
        "gen_ai.user.message", {"content": {"role": "user", "parts": [{"text": "refund A1"}]}}
    )
    chosen = log(
        "gen_ai.choice",
        {
            "index": 0,
            "content": {
                "role": "model",
                "parts": [{"function_call": {"name": "refund", "args": {"order": "A1"}}}],
            },
        },
    )

    assert asked.body["told"] == "refund A1"
    assert chosen.body["decided"]["calls"] == [{"name": "refund", "arguments": {"order": "A1"}}]
    assert (asked.parent_id, asked.span_id) == (f"{1:016x}", "")


def test_the_details_of_a_model_call_may_come_as_a_log_event():
    one = log(
        "gen_ai.client.inference.operation.details",
        gen_ai__operation__name="chat",
        gen_ai__input__messages=ASKED,
    )

    assert (one.kind, one.body["told"]) == ("step", "refund order A1")


@pytest.mark.parametrize(
    ("attributes", "severity", "outcome"),
    [
        ({f"{EVALUATION}.name": "safety", f"{EVALUATION}.score.label": "fail"}, 2, "failed"),
        ({f"{EVALUATION}.name": "safety", f"{EVALUATION}.score.label": "pass"}, 0, "ok"),
        ({f"{THREAT}.rule_id": "r1", f"{THREAT}.action": "block"}, 3, "denied"),
        ({f"{THREAT}.rule_id": "r1", f"{THREAT}.severity": "critical"}, 4, ""),
        ({"countersign.anomaly.type": "loop", "countersign.anomaly.severity": "high"}, 3, ""),
        ({"countersign.anomaly.type": "loop"}, 2, ""),
    ],
)
def test_what_a_guard_flagged_has_a_severity(attributes, severity, outcome):
    one = log("gen_ai.evaluation.result", **attributes)

    assert (one.kind, one.severity, one.outcome) == ("guard", severity, outcome)
    assert ("anomaly" in one.body) == (severity > 0)


def test_an_action_that_was_flagged_stays_an_action():
    one = reading(
        "execute_tool refund",
        gen_ai__operation__name="execute_tool",
        countersign__anomaly__type="loop",
        countersign__anomaly__severity="4",
    )
    evaluated = span("chat", gen_ai__operation__name="chat") | {
        "events": [event("gen_ai.evaluation.result", gen_ai__evaluation__score__label="unsafe")]
    }

    assert (one.kind, one.severity) == ("action", 4)
    assert one.body["anomaly"]["type"] == "loop"
    assert readings(evaluated)[0].severity == 2


@pytest.mark.parametrize(
    ("answer", "severity"), [('{"passed": false}', 2), ('{"tripwire_triggered": false}', 0)]
)
def test_a_guardrail_says_by_its_answer_whether_it_struck(answer, severity):
    one = reading("pii", **{"openinference.span.kind": "GUARDRAIL", "output.value": answer})

    assert (one.kind, one.severity) == ("guard", severity)


@pytest.mark.parametrize(
    "told", ["01a20a46-f400-703f-9587-69309b7f56f1", "cs-01a20a46f400703f958769309b7f56f1"]
)
def test_an_id_of_ours_is_taken_as_the_correlation(told):
    assert (
        reading("x", countersign__invocation=told).correlation == "01a20a46f400703f958769309b7f56f1"
    )
