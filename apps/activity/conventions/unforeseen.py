"""Where reading a record meets an error that nobody foresaw, it is kept as it came.

It is then a record of kind "other" with what can be told of it, and costs no other its place. The
log of the process gets the error's kind and where it arose, never its message: that may repeat what
was sent.
"""

import logging
import math
import re
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from apps.activity.conventions.bounds import NAME, TRUNCATED, fitted, moment
from apps.activity.conventions.protobuf import Record
from apps.activity.conventions.spans import DEEPEST, TOO_DEEP, Log, Source, Span
from apps.activity.conventions.tables import OTHER
from apps.activity.readings import Reading

logger = logging.getLogger("countersign.ingest")

AS_IT_CAME = "not understood: kept as it came"
WORDLESS = "not understood: what it said could not be kept"
UNNAMED = "not understood"
# In Python a text may hold half a pair of UTF-16; in UTF-8 none can.
HALF = re.compile("[\ud800-\udfff]")
AGENT_NAME = "gen_ai.agent.name"


class Odd:
    """The errors of one body or file. Each is told once, with how many records it befell."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, int], list[Any]] = {}

    def note(self, error: Exception) -> None:
        name, frames = type(error).__name__, error.__traceback__
        at = frames
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        key = (name, at.tb_frame.f_code.co_filename, at.tb_lineno) if at else (name, "", 0)
        if key not in self._seen:
            self._seen[key] = [0, "".join(traceback.format_tb(frames))]
        self._seen[key][0] += 1

    def tell(self) -> None:
        for (name, _, _), (count, where) in self._seen.items():
            logger.error("Nobody foresaw %s, at %d records here:\n%s", name, count, where)


def as_it_came(record: Any, light: Callable[[Any], Any], source: Source, odd: Odd) -> Reading:
    """A reading of a record that could not be mapped, or not even be made light."""
    try:
        try:
            said = light(record)
        except Exception:  # noqa: BLE001 - the error that is told of already
            said = None
        reading = _of_light(said, source) if isinstance(said, Span | Log) else _of_raw(record)
        if fitted(reading.body):
            reading.warnings += (TRUNCATED,)
    except Exception as error:  # noqa: BLE001 - told of without what was sent
        odd.note(error)
        return Reading(OTHER, UNNAMED, 0, 0, warnings=(WORDLESS,))
    return reading


def plainly(reading: Reading, texts: Iterable[str]) -> Reading:
    """The same, with nothing in its `texts` and its body that could not be written."""
    told: dict[str, Any] = {name: _text(getattr(reading, name)) for name in texts}
    body = plain(reading.body)
    warnings = (*map(_text, reading.warnings), AS_IT_CAME)
    happened, ended = _moment(reading.happened_at), _moment(reading.ended_at)
    return replace(
        reading, **told, happened_at=happened, ended_at=ended, warnings=warnings, body=body
    )


def wordless(reading: Reading) -> Reading:
    """Only that there was a record, and where it belongs."""
    return Reading(
        OTHER,
        UNNAMED,
        _moment(reading.happened_at),
        _moment(reading.ended_at),
        reading.trace_id,
        reading.span_id,
        reading.parent_id,
        warnings=(WORDLESS,),
    )


def plain(value: Any, deepest: int = DEEPEST) -> Any:
    """The value as JSON can say it, whatever it is."""
    if isinstance(value, dict | list | tuple):
        if deepest < 0:
            return TOO_DEEP
        if isinstance(value, dict):
            return {_text(name): plain(one, deepest - 1) for name, one in value.items()}
        return [plain(one, deepest - 1) for one in value]
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else _digits(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if value is None else _text(value)


def _of_light(said: Span | Log, source: Source) -> Reading:
    attributes = plain(said.attributes)
    rest: dict[str, Any] = dict(attributes)
    if isinstance(said, Span):
        span_id, parent, begun, ended = said.span_id, said.parent_id, said.started_at, said.ended_at
        rest["events"] = [
            {"name": _text(name), "attributes": plain(told)} for name, told in said.events
        ]
        rest["status.message"] = _text(said.message)
    else:
        # A record of the log belongs to the span it names.
        span_id, parent, begun, ended = "", said.span_id, said.at, said.at
        rest["body"] = plain(said.body)
    rest["resource"] = plain(source.telling)
    claimed = attributes.get(AGENT_NAME) or source.resource.get(AGENT_NAME)
    return Reading(
        OTHER,
        _text(said.name)[:NAME] or UNNAMED,
        _moment(begun),
        _moment(ended),
        said.trace_id,
        span_id,
        parent,
        claimed_agent=_text(claimed)[:NAME] if isinstance(claimed, str) else "",
        warnings=(AS_IT_CAME, *said.warnings),
        body={"rest": {name: one for name, one in rest.items() if one not in ("", None, [], {})}},
    )


def _of_raw(record: Any) -> Reading:
    """Bytes stand there as text, not as base64: else no secret in them would be recognised."""
    raw = record.raw if isinstance(record, Record) else record
    return Reading(
        OTHER, UNNAMED, 0, 0, warnings=(AS_IT_CAME,), body={"rest": {"record": plain(raw)}}
    )


def _text(value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode(errors="backslashreplace")
    return HALF.sub("\ufffd", value if isinstance(value, str) else str(value))


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # Python writes so many digits only where it is told to
        return hex(value)


def _moment(value: Any) -> int:
    return moment(value) if isinstance(value, int) else 0
