"""Runs of tau-bench's airline agent, as published: each becomes an invocation with its steps.

The runs carry no times and no ids. Both are made from the task and the trial, so that the same file
always gives the same records.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from apps.activity.conventions.envelopes import loaded
from apps.activity.conventions.spans import Unreadable
from apps.activity.formats.lines import Bad, lines
from apps.activity.readings import Reading

AGENT = "airline-support"
MODEL = "gpt-4o"
# The agent's instructions say what time it is: 2024-05-15 15:00:00 EST.
STARTED = 1_715_803_200 * 10**9
SECOND = 10**9
APART = 3600 * SECOND
PER_MESSAGE = 3 * SECOND
WRITES = frozenset(
    {"book_reservation", "cancel_reservation", "send_certificate", "transfer_to_human_agents"}
    | {"update_reservation_baggages", "update_reservation_flights"}
    | {"update_reservation_passengers"}
)


def readings(file: BinaryIO, *, started: int = STARTED) -> Iterator[Reading | Bad]:
    """Read all runs, one an hour from a time on."""
    for at, one in enumerate(lines(file)):
        if isinstance(one, Bad):
            yield one
            continue
        number, run = one
        try:
            found = read(run, started=started + at * APART)
        except Unreadable as error:
            yield Bad(number, str(error))
        else:
            yield from found


def read(run: dict[str, Any], *, started: int = STARTED) -> list[Reading]:
    """The invocation first, then in order what the agent decided and did."""
    said = run.get("traj")
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        raise Unreadable("It is no run of the airline agent: it has no list of messages.")
    trace_id = hashlib.sha256(f"airline {run.get('task_id')} {run.get('trial')}".encode())
    trace = _Trace(trace_id.hexdigest()[:32], started)
    for at, message in enumerate(said):
        trace.take(at, message)
    trace.readings[0:0] = [_invocation(run, trace, ended=started + len(said) * PER_MESSAGE)]
    return trace.readings


class _Trace:
    """What was read of one run so far."""

    def __init__(self, trace_id: str, started: int):
        self.trace_id, self.started = trace_id, started
        self.root = trace_id[:16]
        self.readings: list[Reading] = []
        self.instructions = self.first = self.told = self.last = ""
        self.calls: dict[str, Reading] = {}

    def take(self, at: int, message: dict[str, Any]) -> None:
        role, text = message.get("role"), message.get("content")
        text = text if isinstance(text, str) else ""
        if role == "system":
            self.instructions = text
        elif role == "user":
            self.told = text
            self.first = self.first or text
        elif role == "tool":
            self._result(at, message, text)
        elif role == "assistant":
            self._step(at, message, text)

    def _step(self, at: int, message: dict[str, Any], text: str) -> None:
        calls = message.get("tool_calls")
        calls = [one for one in calls if isinstance(one, dict)] if isinstance(calls, list) else []
        step = self._reading("step", "chat", at)
        step.target = MODEL
        step.body = {"told": self.told} if self.told else {}
        functions = [one["function"] for one in calls if isinstance(one.get("function"), dict)]
        if functions:
            chosen = [
                {"name": one.get("name"), "arguments": loaded(one.get("arguments"))}
                for one in functions
            ]
            step.body["decided"] = {"calls": chosen} | ({"said": text} if text else {})
        else:
            step.body["outcome"] = self.last = text
        self.readings.append(step)
        for number, call in enumerate(calls):
            function = call.get("function")
            if isinstance(function, dict):
                self._action(at, number, call, function, parent=step.span_id)

    def _action(
        self,
        at: int,
        number: int,
        call: dict[str, Any],
        function: dict[str, Any],
        *,
        parent: str,
    ) -> None:
        name = str(function.get("name"))[:200]
        action = self._reading("action", name, at, further=f" {number}")
        action.parent_id = parent
        action.level = "write" if name in WRITES else "read"
        action.outcome = ""
        action.body = {
            "did": {
                "tool": name,
                "arguments": loaded(function.get("arguments")),
                "id": call.get("id"),
            }
        }
        self.calls[str(call.get("id"))] = action
        self.readings.append(action)

    def _result(self, at: int, message: dict[str, Any], text: str) -> None:
        action = self.calls.get(str(message.get("tool_call_id")))
        if action is None:
            return
        action.body["result"] = loaded(text)
        action.ended_at = self.started + at * PER_MESSAGE
        action.outcome = "failed" if text.startswith("Error") else "ok"

    def _reading(self, kind: str, name: str, at: int, *, further: str = "") -> Reading:
        span = hashlib.sha256(f"{self.trace_id} {at} {kind}{further}".encode()).hexdigest()[:16]
        begun = self.started + at * PER_MESSAGE
        return Reading(
            kind=kind,
            name=name,
            happened_at=begun,
            ended_at=begun + PER_MESSAGE,
            trace_id=self.trace_id,
            span_id=span,
            parent_id=self.root,
            outcome="ok",
            claimed_agent=AGENT,
            run=self.trace_id,
        )


def _invocation(run: dict[str, Any], trace: _Trace, *, ended: int) -> Reading:
    body: dict[str, Any] = {"told": trace.first, "instructions": trace.instructions}
    last = trace.readings[-1] if trace.readings else None
    if last is not None and last.kind == "action":
        body["outcome"] = last.body.get("result")
    else:
        body["outcome"] = trace.last
    body["rest"] = {name: value for name, value in run.items() if name != "traj"}
    return Reading(
        kind="invocation",
        name=AGENT,
        happened_at=trace.started,
        ended_at=ended,
        trace_id=trace.trace_id,
        span_id=trace.root,
        outcome="ok",
        claimed_agent=AGENT,
        run=trace.trace_id,
        body=body,
    )
