"""What each framework sends reads as told, decided, did, and outcome; bodies as they were sent."""

import pytest

from apps.activity.conventions.otlp import PROTOBUF, read_logs, read_traces
from tests.activity.data import captured
from tests.activity.making import reading, readings, span

CALL = {"name": "lookup_order", "arguments": {"order_id": "A1"}, "id": "c1"}
FRAMEWORKS = (
    "agent_framework",
    "autogen",
    "semantic_kernel",
    "crewai",
    "claude_agent_sdk",
    "langchain_traceloop",
    "openai_agents_traceloop",
)
NOT_CAPTURED = ("content not captured",)


def spans(name, kind=""):
    told = read_traces(captured(name), PROTOBUF)
    assert told.rejected == 0
    return [one for one in told.readings if kind in ("", one.kind)]


def logs(name):
    told = read_logs(captured(f"{name}_logs"), PROTOBUF)
    assert told.rejected == 0
    return told.readings


@pytest.mark.parametrize(
    ("name", "agent"),
    [
        ("agent_framework", "refund-agent"),
        ("autogen", "refund_agent"),
        ("semantic_kernel", "refund-agent"),
        ("crewai", "refund-agent"),
        ("claude_agent_sdk", "ClaudeAgentSDK.query"),
        ("langchain_traceloop", "refund-agent"),
        ("openai_agents_traceloop", "refund-agent"),
    ],
)
def test_each_run_is_an_invocation_of_its_agent(name, agent):
    run = next(one for one in spans(name, "invocation") if one.claimed_agent == agent)

    assert (run.name, run.outcome, run.severity) == (agent, "ok", 0)


@pytest.mark.parametrize("name", ["agent_framework", "crewai", "claude_agent_sdk"])
def test_a_run_says_what_it_was_told_and_how_it_ended(name):
    run = next(one for one in spans(name, "invocation") if "told" in one.body)

    assert run.body["told"].startswith("refund order A1")
    assert run.body["outcome"] == "Refunded A1"
    assert run.warnings == ()


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_each_says_what_its_tool_did_and_what_came_of_it(name):
    (action,) = spans(name, "action")

    assert action.name in {"lookup_order", "Orders-lookup_order"}
    assert (action.body["did"]["tool"], action.outcome) == (action.name, "ok")
    if name == "autogen":
        assert (action.body["missing"], action.warnings) == (["did", "result"], NOT_CAPTURED)
        assert action.body["did"]["id"] == "c1"
    else:
        assert action.body["did"]["arguments"] == {"order_id": "A1"}
        assert (action.body["result"], action.warnings) == ("order A1 $20", ())


@pytest.mark.parametrize(
    "name",
    ["agent_framework", "crewai", "langchain_traceloop", "openai_agents_traceloop"],
)
def test_the_first_step_says_what_was_decided_and_the_last_how_it_ended(name):
    first, last = [one for one in spans(name, "step") if one.name == "chat"]

    assert "refund order A1" in first.body["told"]
    assert first.body["decided"] == {"calls": [CALL]}
    assert (last.body["outcome"], "decided" in last.body) == ("Refunded A1", False)


@pytest.mark.parametrize("name", ["agent_framework", "semantic_kernel"])
def test_what_comes_as_log_events_belongs_to_the_steps_that_say_it(name):
    steps = [one.span_id for one in spans(name, "step")]
    said = [one for one in logs(name) if one.name.startswith("gen_ai.")]
    told = [one.body["told"] for one in said if "told" in one.body]
    decided = next(one.body["decided"]["calls"] for one in said if "decided" in one.body)

    assert {one.parent_id for one in said} == set(steps)
    assert set(told) == {"refund order A1"}
    assert decided[0]["arguments"] == {"order_id": "A1"}
    assert [one.body["outcome"] for one in said if "outcome" in one.body] == ["Refunded A1"]
    assert {one.body["instructions"] for one in said if "instructions" in one.body} == {
        "be careful"
    }


def test_content_that_a_framework_cannot_send_is_missed_and_not_passed_off_as_nothing():
    (run,) = spans("autogen", "invocation")

    assert (run.body["missing"], run.warnings) == (["told", "outcome"], NOT_CAPTURED)
    assert [one.name for one in spans("autogen", "other")] == ["create_agent refund_agent"]


def test_an_agent_of_crewai_goes_by_its_role_and_its_hash_is_kept():
    agent, crew = spans("crewai", "invocation")

    assert agent.claimed_agent == "refund-agent"
    assert agent.body["rest"]["gen_ai.agent.name"] == "0622e1b6f52bfb0dbe7541b5989a3945"
    assert (crew.name, crew.parent_id) == ("refunds", "")
    assert {one.run for one in spans("crewai")} == {"01a20a46-f400-703f-9587-69309b7f56f1"}
    assert {one.conversation for one in spans("crewai")} == {"s-1"}


def test_a_crew_that_was_begun_without_inputs_was_told_nothing_and_misses_nothing():
    crew = spans("crewai", "invocation")[-1]

    assert ("told" in crew.body, crew.warnings) == (False, ())
    assert crew.body["outcome"] == "Refunded A1"


def test_tasks_of_crews_are_steps_and_their_guardrails_guards():
    task = next(one for one in spans("crewai", "step") if one.name == "execute_task")
    (guard,) = spans("crewai", "guard")

    assert (task.body["told"], task.body["outcome"]) == ("refund order A1", "Refunded A1")
    assert (guard.name, guard.outcome, guard.severity) == ("never_late", "ok", 0)


@pytest.mark.parametrize(
    ("attributes", "severity", "outcome"),
    [
        ({"crewai.guardrail.success": False, "crewai.guardrail.error": "too late"}, 2, "failed"),
        ({"crewai.policy.name": "spend", "crewai.policy.decision": "deny"}, 3, "denied"),
        ({"crewai.policy.name": "spend", "crewai.policy.decision": "allow"}, 0, "ok"),
        ({"crewai.human_feedback.outcome": "reject"}, 3, "denied"),
        ({"crewai.human_feedback.request_id": "7"}, 0, "ok"),
    ],
)
def test_what_a_crew_was_held_to_is_a_guard(attributes, severity, outcome):
    one = reading("x", **attributes)

    assert (one.kind, one.severity, one.outcome) == ("guard", severity, outcome)


def test_a_tool_of_a_crew_that_says_it_failed_failed():
    one = reading(
        "call tool",
        gen_ai__operation__name="execute_tool",
        crewai__tool__failure__message="no such order",
    )

    assert (one.outcome, one.body["outcome"]) == ("failed", "no such order")


def test_content_that_the_sender_cut_short_is_said():
    one = reading(
        "chat",
        gen_ai__operation__name="chat",
        gen_ai__input__messages="refund A1",
        gen_ai__output__messages="Refunded",
        **{"gen_ai.output.messages.truncated": True},
    )

    assert one.warnings == ("cut short by the sender",)


def test_a_process_that_the_claude_agent_sdk_starts_tells_under_the_same_run():
    (run,) = spans("claude_agent_sdk", "invocation")
    (call,) = spans("claude_agent_sdk", "call")

    assert (call.trace_id, call.parent_id) == (run.trace_id, run.span_id)
    assert (call.name, call.level) == ("GET shop.example", "read")


def test_a_run_told_in_one_row_says_what_it_decided_on_its_way():
    (run,) = spans("claude_agent_sdk", "invocation")

    assert run.body["decided"] == {"reasoning": "need order lookup", "calls": [CALL]}
    assert run.conversation == "s-1"


def test_a_run_of_langchain_told_twice_counts_once_and_misses_nothing():
    (run,) = spans("langchain_traceloop", "invocation")
    inner = next(one for one in spans("langchain_traceloop", "other") if one.parent_id)

    assert (run.name, run.parent_id, run.warnings) == ("refund-agent", "", ())
    assert inner.parent_id == run.span_id
    assert (inner.body["told"], inner.body["outcome"]) == ("refund order A1", "Refunded A1")
    assert {one.claimed_agent for one in spans("langchain_traceloop")} == {"refund-agent"}
    assert {one.conversation for one in spans("langchain_traceloop", "step")} == {"s-1"}


def test_an_outer_run_misses_what_neither_of_the_two_says():
    told = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "refunds"}
    outer = span("invoke_agent refunds", 1, **told)
    inner = span("x", 2, **told, **{"input.value": "refund A1"}) | {"parentSpanId": f"{1:016x}"}

    run = next(one for one in readings(inner, outer) if one.kind == "invocation")

    assert (run.body["missing"], run.warnings) == (["outcome"], NOT_CAPTURED)


def test_the_workflow_around_an_agent_of_openai_is_the_run_and_the_agent_lies_in_it():
    agent, workflow = spans("openai_agents_traceloop", "invocation")

    assert (workflow.name, workflow.parent_id) == ("Agent Workflow", "")
    assert (agent.name, agent.parent_id) == ("refund-agent", workflow.span_id)
