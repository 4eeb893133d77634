"""Messages between people, models, and tools, whichever way a framework writes them.

Known are the parts of OTel GenAI, the messages of OpenAI (chat and responses), Anthropic, Bedrock,
Gemini, and LangChain, each plain or as JSON in a text. What is not understood makes a message less
than `whole`, and whoever reads it keeps the original beside it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from apps.activity.conventions.envelopes import loaded, unwrapped

DEEPEST = 12
MOST = 4000
# In so many letters there are no more messages, nor parts of one, than that.
LARGEST_PLAIN = MOST * len('{"role":"","parts":[]},')

USERS = frozenset({"user", "human"})
INSTRUCTORS = frozenset({"system", "developer"})
ASSISTANTS = frozenset({"assistant", "ai", "model"})
TOOLS = frozenset({"tool", "function"})
SPEAKERS = ASSISTANTS | {""}
ROLES = USERS | INSTRUCTORS | ASSISTANTS | TOOLS
ARGUMENTS = ("arguments", "args", "input", "kwargs", "parameters")
CALL_IDS = ("call_id", "tool_call_id", "toolUseId", "id")
REASONING = ("reasoning", "reasoning_content", "thinking")
# What is read of a message, and of a part of one. What else stands there is not understood.
PLAIN = frozenset({"role", "parts", "content"})
MESSAGE = PLAIN | {"type", "contents", "tool_calls", "tool_call_id", "finish_reason", *REASONING}
PART = frozenset(
    (
        *("type", "content", "text", "output_text", "refusal", "summary", "reasoningText", "name"),
        *("tool_call", "function", "toolUse", "toolResult", "result", "response", "output"),
        *("function_call", "functionCall", "function_response", "functionResponse"),
        *("message_content", "reasoningContent", *REASONING, *ARGUMENTS, *CALL_IDS),
    )
)


class Message(Struct, gc=False):
    role: str = ""
    texts: list[str] = []
    call_id: str = ""
    reasoning: list[str] = []
    calls: list[dict[str, Any]] = []
    results: list[Any] = []
    whole: bool = True

    @property
    def text(self) -> str:
        return self.texts[0] if len(self.texts) == 1 else "\n".join(self.texts)


class Text(Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["text"]
    content: str


class Turn(Struct, forbid_unknown_fields=True, gc=False):
    """A message of OTel GenAI that holds text alone."""

    role: str
    parts: list[Text]
    finish_reason: str = ""


turns = Decoder(list[Turn]).decode


def messages(value: Any, role: str = "") -> list[Message]:
    """The messages in a value. A bare text is one message of that role."""
    if value.__class__ is str and value.startswith("[{") and len(value) <= LARGEST_PLAIN:
        # The usual case, in a third of the time.
        try:
            return [_plain(one) for one in turns(value)]
        except (DecodeError, UnicodeEncodeError):
            pass  # It is of another form, or no JSON.
    told = loaded(value)
    found: list[Message] = []
    _collect(told, role, found, 0)
    return found


def _has_role(one: Any) -> bool:
    return one.__class__ is dict and "role" in one and one["role"].__class__ is str


def _plain(turn: Turn) -> Message:
    return Message(_role(turn.role), [part.content for part in turn.parts if part.content])


def _role(told: str) -> str:
    return told if told in ROLES else told.lower()[:40]


def first_text(told: Iterable[Message], roles: frozenset[str]) -> str:
    for one in told:
        if one.texts and one.role in roles:
            return one.text
    return ""


def last_text(told: Sequence[Message], roles: frozenset[str]) -> str:
    return first_text(reversed(told), roles)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _collect(value: Any, role: str, found: list[Message], depth: int) -> None:
    if depth > DEEPEST or len(found) >= MOST:
        if found:
            found[-1].whole = False
        return
    if isinstance(value, str):
        if value:
            found.append(Message(role, [value]))
    elif isinstance(value, list):
        _collect_list(value, role, found, depth)
    elif isinstance(value, dict):
        _collect_object(value, role, found, depth)


def _collect_list(value: list[Any], role: str, found: list[Message], depth: int) -> None:
    if value and all(map(_has_role, value)):
        for one in value[:MOST]:
            _collect(one, role, found, depth + 1)
        return
    if len(value) == 2 and isinstance(value[0], str) and value[0] in ROLES:
        _collect({"role": value[0], "content": value[1]}, role, found, depth + 1)
        return
    if value and all(isinstance(one, dict) and _is_part(one) for one in value):
        message = Message(role)
        _parts(message, value, depth)
        found.append(message)
        return
    for one in value:
        _collect(loaded(one) if isinstance(one, str) else one, role, found, depth + 1)


# Names under which a framework keeps its messages.
HOLDERS = ("messages", "generations", "message", "update", "inputs", "input", "contents", "outputs")


def _collect_object(value: dict[str, Any], role: str, found: list[Message], depth: int) -> None:
    told = value.get("role")
    if isinstance(told, str):
        found.append(_message(told, value, depth))
        return
    kind = value.get("type")
    inner = value.get("data", value.get("kwargs"))
    if isinstance(inner, dict) and "content" in inner:
        found.append(_message(_text(inner.get("type")) or _text(kind), inner, depth))
        return
    if isinstance(kind, str) and "content" in value and kind in ROLES:
        found.append(_message(kind, value, depth))
        return
    if _is_part(value):
        message = Message(role)
        _parts(message, [value], depth)
        found.append(message)
        return
    if role and ("tool_calls" in value or isinstance(value.get("content"), str)):
        # Who speaks may be left out where it is no other than one expects.
        found.append(_message(role, value, depth))
        return
    for name in HOLDERS:
        if name in value:
            _collect(loaded(value[name]), role, found, depth + 1)
            return


def _message(role: str, value: dict[str, Any], depth: int) -> Message:
    message = Message(_role(role))
    parts = value.get("parts")
    if parts is None:
        parts = value.get("content", value.get("contents"))
    if parts.__class__ is str and parts:
        parts = loaded(parts) if parts[:2] in {"[{", '{"'} else parts
        if parts.__class__ is str:
            (message.results if message.role in TOOLS else message.texts).append(parts)
            parts = None
    if isinstance(parts, list):
        _parts(message, parts, depth)
    elif isinstance(parts, dict):
        _parts(message, [parts], depth)
    elif parts is not None:
        message.whole = False
    if len(value) > 2 or not PLAIN.issuperset(value):
        _further(message, value)
    return message


def _further(message: Message, value: dict[str, Any]) -> None:
    message.call_id = message.call_id or _text(value.get("tool_call_id"))
    if not MESSAGE.issuperset(value) or ("parts" in value and "content" in value):
        message.whole = False
    calls = value.get("tool_calls")
    if isinstance(calls, list):
        for call in calls:
            _call(message, call)
    elif calls:
        message.whole = False
    for name in REASONING:
        if isinstance(value.get(name), str) and value[name]:
            message.reasoning.append(value[name])
        elif value.get(name):
            message.whole = False


def _parts(message: Message, parts: list[Any], depth: int) -> None:
    for part in parts if len(parts) <= MOST else parts[:MOST]:
        if part.__class__ is dict:
            kind = part.get("type")
            read = PARTS.get(kind) if kind.__class__ is str else None
            if len(part) > 2 and not PART.issuperset(part):
                message.whole = False
            if read is not None and depth <= DEEPEST:
                read(message, part)
            else:
                _part_by_name(message, part, depth)
        elif isinstance(part, str):
            message.texts.append(part)
        else:
            message.whole = False


def _part_by_name(message: Message, part: dict[str, Any], depth: int) -> None:
    held = part.get("message_content")
    if isinstance(part.get("tool_call"), dict):
        _call(message, part)
        return
    if isinstance(held, dict):
        _parts(message, [held], depth + 1)
        return
    read = next((PARTS_BY_NAME[one] for one in part if one in PARTS_BY_NAME), None)
    if read is None or depth > DEEPEST:
        message.whole = False
    else:
        read(message, part)


def _is_part(one: dict[str, Any]) -> bool:
    kind = one.get("type")
    if isinstance(kind, str) and kind in PARTS:
        return True
    if "role" in one or "message" in one:
        return False
    return not PARTS_BY_NAME.keys().isdisjoint(one)


def _read_text(message: Message, part: dict[str, Any]) -> None:
    for name in ("content", "text", "output_text", "refusal"):
        text = part.get(name)
        if isinstance(text, str):
            if text:
                message.texts.append(text)
            return
    message.whole = False


def _read_reasoning(message: Message, part: dict[str, Any]) -> None:
    for name in ("content", "thinking", "text", "reasoning", "summary", "reasoningText"):
        told = part.get(name)
        if isinstance(told, str) and told:
            message.reasoning.append(told)
            return
        if isinstance(told, dict) and isinstance(told.get("text"), str):
            message.reasoning.append(told["text"])
            return
        if isinstance(told, list) and told:
            inner = Message()
            _parts(inner, told, 0)
            message.reasoning += inner.texts
            return
    message.whole = False


def _call(message: Message, part: Any) -> None:
    if not isinstance(part, dict):
        message.whole = False
        return
    part = part.get("tool_call", part)
    inner = part.get("function", part) if isinstance(part, dict) else None
    if not isinstance(inner, dict):
        message.whole = False
        return
    told: dict[str, Any] = {"name": _text(inner.get("name")), "arguments": None}
    for name in ARGUMENTS:
        if name in inner:
            told["arguments"] = loaded(inner[name])
            break
    for name in CALL_IDS:
        if part.get(name).__class__ is str and part[name]:
            told["id"] = part[name]
            break
    message.calls.append(told)


def _read_call(message: Message, part: dict[str, Any]) -> None:
    if "name" not in part:
        for name in ("toolUse", "function_call", "functionCall"):
            if isinstance(part.get(name), dict):
                part = part[name]
    _call(message, part)


def _read_result(message: Message, part: dict[str, Any]) -> None:
    for name in ("toolResult", "function_response", "functionResponse"):
        if isinstance(part.get(name), dict):
            part = part[name]
    for name in ("result", "response", "output", "content"):
        if name in part:
            message.results.append(unwrapped(part[name])[0])
            message.call_id = next(
                (part[one] for one in CALL_IDS if isinstance(part.get(one), str)), ""
            )
            return
    message.whole = False


def _read_message(message: Message, part: dict[str, Any]) -> None:
    content = part.get("content")
    if isinstance(content, str):
        message.texts.append(content)
    elif isinstance(content, list):
        for one in content[:MOST]:
            if isinstance(one, dict):
                _read_text(message, one)


PARTS: dict[Any, Callable[[Message, dict[str, Any]], None]] = {
    "text": _read_text,
    "input_text": _read_text,
    "output_text": _read_text,
    "refusal": _read_text,
    "summary_text": _read_text,
    "reasoning": _read_reasoning,
    "thinking": _read_reasoning,
    "tool_call": _read_call,
    "server_tool_call": _read_call,
    "function_call": _read_call,
    "tool_use": _read_call,
    "tool-call": _read_call,
    "tool_call_response": _read_result,
    "server_tool_call_response": _read_result,
    "function_call_output": _read_result,
    "tool_result": _read_result,
    "tool-return": _read_result,
    "message": _read_message,
}
# Where a part says by a name, not by its type, what it is.
PARTS_BY_NAME: dict[str, Callable[[Message, dict[str, Any]], None]] = {
    "text": _read_text,
    "toolUse": _read_call,
    "toolResult": _read_result,
    "reasoningContent": lambda message, part: _read_reasoning(
        message, part["reasoningContent"] if isinstance(part["reasoningContent"], dict) else part
    ),
    "function_call": _read_call,
    "functionCall": _read_call,
    "function_response": _read_result,
    "functionResponse": _read_result,
}
