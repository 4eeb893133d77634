"""JSON in texts, and what frameworks wrap a tool's result in."""

from typing import Any

import orjson

LARGEST_JSON = 2 * 1024 * 1024
MOST_BRACKETS = 200_000
DEEPEST_JSON = 60
BEGINS = ("{", "[")
ENVELOPES = frozenset({"tool", "constructor"})


def loaded(value: Any) -> Any:
    """The JSON that a text holds, where it holds an object or a list; else the value itself."""
    if value.__class__ is not str or not value.startswith(BEGINS) or len(value) > LARGEST_JSON:
        return value
    brackets = value.count("{") + value.count("[")
    if brackets > MOST_BRACKETS:
        return value
    try:
        inner = orjson.loads(value)
    except (orjson.JSONDecodeError, RecursionError):
        return value
    return value if brackets > DEEPEST_JSON and is_deep(inner) else inner


def is_deep(value: Any) -> bool:
    """Whether it is nested too deeply for whoever writes it again."""
    layer = [value]
    for _ in range(DEEPEST_JSON):
        layer = [
            child
            for one in layer
            if isinstance(one, dict | list)
            for child in (one.values() if isinstance(one, dict) else one)
        ]
        if not layer:
            return False
    return True


def unwrapped(value: Any) -> tuple[Any, str]:
    """The content of a tool's result without a framework's envelope, and the id of its call."""
    inner = loaded(value)
    if isinstance(inner, str) and len(inner) > 1 and inner[0] == inner[-1] == '"':
        return _unquoted(inner), ""
    if isinstance(inner, dict):
        held = inner.get("data", inner.get("kwargs"))
        if isinstance(held, dict) and "content" in held and _text(inner.get("type")) in ENVELOPES:
            return held["content"], _text(held.get("tool_call_id"))
        if isinstance(inner.get("output"), dict) and "kwargs" in inner["output"]:
            return unwrapped(inner["output"])
    if isinstance(inner, list) and inner and all(_is_text(one) for one in inner):
        return "\n".join(one["text"] for one in inner), ""
    return inner, ""


def _unquoted(text: str) -> str:
    """The text that a framework wrote as JSON; itself, if it is none."""
    try:
        inner = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return inner if isinstance(inner, str) else text


def _is_text(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("text"), str) and len(one) <= 2


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
