"""What was told, decided, done, and answered, from whichever attributes and events hold it.

What is held whole by one of these parts leaves the rest of the payload; what is held in part stays
there too, so that a later mapping can be run over it again.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from apps.activity.conventions.deciding import decide
from apps.activity.conventions.envelopes import loaded, unwrapped
from apps.activity.conventions.flat import gathered
from apps.activity.conventions.messages import (
    ASSISTANTS,
    INSTRUCTORS,
    SPEAKERS,
    USERS,
    Message,
    first_text,
    last_text,
    messages,
)
from apps.activity.conventions.spans import Span
from apps.activity.conventions.tables import (
    ACTION,
    CALL,
    EVENT_CONTENTS,
    EVENTS,
    GUARD,
    INVOCATION,
    OTHER,
    STEP,
)

NOT_CAPTURED = "content not captured"
# Events that repeat what was said before; only the last word of the user is taken from them.
HISTORY = frozenset({"gen_ai.assistant.message", "gen_ai.tool.message", "gen_ai.content.prompt"})
TALKING = frozenset({INVOCATION, STEP, GUARD})
FAILED = frozenset({"failed", "denied"})
NOTHING = frozenset({"{}", "[]", "null"})
# What is said to a model and by it: where a record is none of a talk, it stays under its own names.
SAID = ("input", "output", "instructions", "history", "final")
TOLD = frozenset({"input", "output", "instructions"})
SPEAKING = frozenset({"chat", "generate_content", "text_completion"})


class Content(Struct, gc=False):
    """One record's attributes and events, sorted."""

    found: dict[str, Any]
    rest: dict[str, Any]
    flat: dict[str, Any]
    names: dict[str, str]
    is_flagged: bool = False
    asked: tuple[Message, ...] = ()
    answered: tuple[Message, ...] = ()
    instructed: tuple[str, ...] = ()
    # With whether all that an event says is one message that was taken whole.
    known: tuple[tuple[str, dict[str, Any], bool], ...] = ()
    further: tuple[tuple[str, dict[str, Any]], ...] = ()

    def take_event(self, name: str, attributes: dict[str, Any]) -> None:
        known = EVENTS.get(name)
        if known is None:
            self.further += ((name, attributes),)
            return
        said = next((one for one in EVENT_CONTENTS if one in attributes), "")
        slot, role = known
        told = messages(attributes[said] if said else attributes, role)
        if said and isinstance(attributes.get("tool_calls"), list):
            told += messages({"role": role, "tool_calls": attributes["tool_calls"]})
        for one in told:
            one.role = one.role or role
        is_whole = bool(said) and len(attributes) == len(told) == 1 and _is_taken(told[0], slot)
        self.known += ((name, attributes, is_whole),)
        if slot == "instructions":
            self.instructed += tuple(one.text for one in told)
        elif slot == "output":
            self.answered += tuple(told)
        else:
            self.asked += tuple(told)

    def keep(self, slot: str) -> None:
        """Leave what was found under its own name too."""
        if slot in self.names:
            self.rest[self.names[slot]] = self.found[slot]


def body_of(
    kind: str, content: Content, span: Span, *, outcome: str, is_log: bool
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The payload, and the warning that something one would look for was not sent."""
    body: dict[str, Any] = {}
    missing: list[str] = []
    if kind == ACTION:
        missing = _of_action(body, content)
    elif kind in TALKING or (is_log and content.known):
        missing = _of_talk(body, content, kind, is_log=is_log)
    elif kind == OTHER:
        content.rest = {**content.rest, **span.attributes}
    elif kind == CALL:
        _of_call(body, content)
    if content.flat or content.known or content.further:
        _keep_spread(content, kind)
    if outcome in FAILED:
        _say_why(body, content, span)
        missing = [one for one in missing if one not in {"result", "outcome", "decided"}]
    if content.rest:
        body["rest"] = content.rest
    if not missing:
        return body, ()
    body["missing"] = missing
    return body, (NOT_CAPTURED,)


def _keep_spread(content: Content, kind: str) -> None:
    """What was spread over attributes and events stays as it came, but for what was taken whole."""
    content.rest |= content.flat
    events = content.further
    # Attributes go before events that tell of the same.
    is_told = kind in TALKING and not content.flat and TOLD.isdisjoint(content.found)
    names = [name for name, _, _ in content.known]
    events += tuple(
        (name, attributes)
        for name, attributes, is_whole in content.known
        if not (is_told and is_whole) or name in HISTORY or names.count(name) > 1
    )
    if events:
        content.rest["events"] = [{"name": name, **attributes} for name, attributes in events]


def _of_action(body: dict[str, Any], content: Content) -> list[str]:
    found = content.found
    did: dict[str, Any] = {}
    body["did"] = did
    if "tool" in found:
        did["tool"] = found["tool"]
    if "call_id" in found:
        did["id"] = found["call_id"]
    if "receipt" in found:
        did["receipt"] = found["receipt"]
    _arguments(did, content)
    _result(body, did, content)
    for slot in SAID:
        if slot in found:
            content.keep(slot)
    missing = [] if "arguments" in did else ["did"]
    return missing if "result" in body else [*missing, "result"]


def _arguments(did: dict[str, Any], content: Content) -> None:
    found = content.found
    if "arguments" in found:
        did["arguments"] = _inputs(loaded(found["arguments"]))
        if "input_value" in found:
            content.keep("input_value")
    elif "input_value" in found:
        told = loaded(found["input_value"])
        did["arguments"] = _inputs(told)
        if did["arguments"] is not told:
            content.keep("input_value")
    else:
        for name, attributes, _ in content.known:
            said = next((one for one in EVENT_CONTENTS if one in attributes), "")
            if said and EVENTS[name][0] == "input":
                did["arguments"] = loaded(attributes[said])


def _inputs(told: Any) -> Any:
    """The arguments themselves, where a framework wraps them."""
    if isinstance(told, dict):
        if isinstance(told.get("kwargs"), dict) and "args" in told:
            return told["kwargs"] if not told["args"] else told
        if isinstance(told.get("inputs"), dict) and "input_str" in told:
            return told["inputs"]
    return told


def _result(body: dict[str, Any], did: dict[str, Any], content: Content) -> None:
    found = content.found
    flat = gathered(content.flat) if content.flat else {}
    for slot in ("result", "output_value"):
        if slot in found and "result" not in body:
            raw = found[slot]
            body["result"], call_id = unwrapped(raw)
            if call_id:
                did.setdefault("id", call_id)
            if body["result"] is not raw and body["result"] != loaded(raw):
                content.keep(slot)
        elif slot in found:
            content.keep(slot)
    if "result" not in body and content.answered:
        body["result"] = content.answered[-1].text or content.answered[-1].results
    if "result" in flat:
        body.setdefault("result", flat["result"])


def _of_call(body: dict[str, Any], content: Content) -> None:
    found = content.found
    did = {
        ours: found[slot]
        for slot, ours in (("db_query", "query"), ("url", "url"), ("arguments", "arguments"))
        if slot in found
    }
    if did:
        body["did"] = did
    for slot in ("input_value", "output_value", "result", *SAID):
        if slot in found:
            content.keep(slot)


def _of_talk(body: dict[str, Any], content: Content, kind: str, *, is_log: bool) -> list[str]:
    found = content.found
    flat = gathered(content.flat) if content.flat else {}
    asked = _messages(content, flat, "input") or content.asked
    answered: Sequence[Message] = _messages(content, flat, "output") or content.answered
    history: list[Message] = []
    if "history" in found:
        history = messages(found["history"])
        content.keep("history")
    given: Sequence[Message] = asked or history
    if "input_value" in found:
        given = given or _value(content, "input_value", "user")
        content.keep("input_value")
    if "output_value" in found:
        answered = answered or _value(content, "output_value", "assistant")
        content.keep("output_value")
    for slot in ("arguments", "result"):
        if slot in found:
            content.keep(slot)
    _tell(body, content, given, kind)
    decide(body, answered, kind)
    _conclude(body, content, history, kind)
    if is_log:
        return []
    # A run that was begun with nothing was told nothing, and nothing of it is missing.
    is_begun = "told" in body or any(one.text in NOTHING for one in given)
    return _missing(body, content, kind, is_begun=is_begun)


def _conclude(body: dict[str, Any], content: Content, history: list[Message], kind: str) -> None:
    if "final" in content.found:
        body["outcome"] = loaded(content.found["final"])
    elif history and kind == INVOCATION and "outcome" not in body:
        said = last_text(history, ASSISTANTS)
        if said:
            body["outcome"] = said


def _missing(body: dict[str, Any], content: Content, kind: str, *, is_begun: bool) -> list[str]:
    found = content.found
    speaks = str(found.get("operation")) in SPEAKING or found.get("openinference") == "LLM"
    if kind != INVOCATION and not speaks:
        return []
    missing = [] if is_begun else ["told"]
    if "outcome" not in body and "decided" not in body:
        missing.append("outcome" if kind == INVOCATION else "decided")
    return missing


def _messages(content: Content, flat: dict[str, Any], slot: str) -> Sequence[Message]:
    found = content.found
    if slot in found:
        told = messages(found[slot], "user" if slot == "input" else "assistant")
        if len(told) != 1 or not _is_taken(told[0], slot):
            content.keep(slot)
        if told:
            return told
    if slot in flat:
        told = messages(flat[slot])
        return [one for one in told if one.texts or one.calls or one.results or one.reasoning]
    return []


def _is_taken(only: Message, slot: str) -> bool:
    """Whether all that this one message says stands in the payload under our names."""
    if not only.whole or only.results:
        return False
    if slot == "output":
        return only.role in SPEAKERS
    if only.calls or only.reasoning:
        return False
    return bool(only.texts) if slot == "instructions" else only.role in USERS


def _value(content: Content, slot: str, role: str) -> list[Message]:
    """Messages in a value that may be anything; a value that holds none is one text."""
    raw = content.found[slot]
    if raw.__class__ is str and raw in NOTHING:
        return []
    inner = loaded(raw)
    told = [] if inner is raw and isinstance(raw, str) else messages(inner, role)
    if not any(one.texts or one.calls or one.results for one in told):
        return [Message(role, [raw if isinstance(raw, str) else str(raw)])]
    return told


def _tell(body: dict[str, Any], content: Content, given: Sequence[Message], kind: str) -> None:
    told = first_text(given, USERS) if kind == INVOCATION else last_text(given, USERS)
    if told in NOTHING:
        content.keep("input")
    elif told:
        body["told"] = told
    instructions: Sequence[str] = content.instructed
    if "instructions" in content.found:
        read = messages(content.found["instructions"], "system")
        instructions = [one.text for one in read]
        if not read or not all(_is_taken(one, "instructions") for one in read):
            content.keep("instructions")
    elif not instructions and given and given[0].role in INSTRUCTORS:
        instructions = [one.text for one in given if one.role in INSTRUCTORS]
    if instructions:
        body["instructions"] = "\n".join(one for one in instructions if one)


def _say_why(body: dict[str, Any], content: Content, span: Span) -> None:
    if span.message:
        body.setdefault("outcome", span.message)
        content.rest["status.message"] = span.message
        return
    for name, attributes in content.further:
        if name == "exception" and attributes.get("exception.message"):
            body.setdefault("outcome", attributes["exception.message"])
            return
    if "error" in content.found:
        body.setdefault("outcome", content.found["error"])
