"""What an answer decided, and how what was asked ended."""

from collections.abc import Sequence
from typing import Any

from apps.activity.conventions.messages import SPEAKERS, Message
from apps.activity.conventions.tables import INVOCATION


def decide(body: dict[str, Any], answered: Sequence[Message], kind: str) -> None:
    """Reasoning, and text before tool calls, are decisions; text without calls is an outcome."""
    if not answered:
        return
    last = answered[0] if len(answered) == 1 else _last_turn(answered)
    if last is not None and last.role not in SPEAKERS:
        last = None
    if last is None:
        results = [result for one in answered for result in one.results]
        if results:
            body["result"] = results[0] if len(results) == 1 else results
        return
    if kind == INVOCATION and last.calls:
        _end(body, last, answered[-1])
    decided = _decided(last)
    if decided:
        body["decided"] = decided
    if last.texts and not last.calls:
        body["outcome"] = last.text


def _decided(turn: Message) -> dict[str, Any]:
    decided: dict[str, Any] = {}
    if turn.reasoning:
        decided["reasoning"] = "\n".join(turn.reasoning)
    if turn.calls:
        decided["calls"] = turn.calls
        if turn.texts:
            decided["said"] = turn.text
    return decided


def _end(body: dict[str, Any], turn: Message, end: Message) -> None:
    """A run that tells all its turns in a row, without what its tools answered, ends with the last
    one, if that only speaks."""
    if end.role in SPEAKERS and end.texts and not end.calls:
        body["outcome"] = end.text
        turn.texts = turn.texts[: -len(end.texts)]


def _last_turn(answered: Sequence[Message]) -> Message | None:
    """Of an output that repeats the whole run, what was said last, in however many messages."""
    end = len(answered)
    while end and answered[end - 1].role not in SPEAKERS:
        end -= 1
    begin = end
    while begin and answered[begin - 1].role in SPEAKERS:
        begin -= 1
    if begin == end:
        return None
    whole = Message("assistant")
    for one in answered[begin:end]:
        whole.texts += one.texts
        whole.reasoning += one.reasoning
        whole.calls += one.calls
    return whole
