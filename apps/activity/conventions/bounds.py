"""How large anything may become: columns are cut short, payloads truncated with what they were."""

import hashlib
from typing import Any

import orjson

from apps.activity.scrubbing import LONGEST, cut, scrubbed

LARGEST_BODY = 256 * 1024
# Below this no payload can pass the bound, however much of it stands in two places.
JUDGED_FROM = 40 * 1024
LEAST_KEPT = 2048
# A cut falls between words where it can, so that it does not leave half a secret unrecognised.
WORD = 600
TRUNCATED = "truncated: the payload was larger than 256 KB"

NAME = 200
ID = 128
# In the year 2554: beyond it a header, whose numbers have 64 bits, cannot say the time.
LATEST = 2**64 - 1


def short(value: Any, most: int = NAME) -> str:
    """A text for a column: no NUL, no more than it takes."""
    text: str = value if value.__class__ is str else _said(value)
    if len(text) > most:
        text = cut(text, most)
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _said(value: Any) -> str:
    if value is None or isinstance(value, dict):
        return ""
    return ", ".join(map(str, value[:20])) if isinstance(value, list) else str(value)


def moment(nanoseconds: int) -> int:
    """A time a header can hold; 0, nobody said, where it cannot."""
    return nanoseconds if 0 < nanoseconds <= LATEST else 0


def fitted(body: dict[str, Any]) -> bool:
    """Truncate the largest parts of a payload until it fits; whether anything was truncated."""
    size = len(orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS))
    if size <= LARGEST_BODY:
        return False
    rest = body.get("rest")
    places = [(body, name) for name in body if name != "rest"]
    if isinstance(rest, dict):
        places += [(rest, name) for name in rest]
    measured = sorted(((_size(holder[name]), at) for at, (holder, name) in enumerate(places)))
    while measured and size > LARGEST_BODY:
        own, at = measured.pop()
        if own <= LEAST_KEPT:
            break
        holder, name = places[at]
        holder[name] = _cut(holder[name], max(LEAST_KEPT, (own - (size - LARGEST_BODY)) // 2 - 500))
        size += _size(holder[name]) - own
    if size > LARGEST_BODY:
        body["rest"] = _cut(rest, LEAST_KEPT)
    return True


def _size(value: Any) -> int:
    return len(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))


def _cut(value: Any, most: int) -> dict[str, Any]:
    raw = value.encode() if isinstance(value, str) else orjson.dumps(value)
    told = scrubbed(raw[: most + LONGEST].decode(errors="ignore"))[0]
    begins = told.encode()[:most].decode(errors="ignore")
    tail = begins[-WORD:]
    at = max(tail.rfind(mark) for mark in (" ", "\n", '"', ","))
    if at > 0:
        begins = begins[: len(begins) - len(tail) + at]
    return {
        "truncated": True,
        "size": len(raw),
        "sha256": hashlib.sha256(raw).hexdigest(),
        "begins": begins,
    }
