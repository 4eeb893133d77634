"""Facts as canonical JSON: what many items share is written once, and not once for each item."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

# JSON of each fact, by its name.
type Texts = dict[str, str]

_WORDS = {None: "null", True: "true", False: "false"}
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def json_of(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces."""
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, int):
        return str(value)
    return _canonical.encode(value)


def json_of_time(moment: datetime | date | None) -> str:
    return "null" if moment is None else f'"{moment.isoformat()}"'


def texts_of(facts: Mapping[str, Any]) -> Texts:
    return {name: json_of(value) for name, value in facts.items()}


def object_of(texts: Texts) -> str:
    """One object of these facts, as canonical JSON."""
    keys = _keys(tuple(texts))
    return "{" + ",".join([key + texts[name] for name, key in keys]) + "}"


@lru_cache(maxsize=64)
def _keys(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, f"{encode_basestring(name)}:") for name in sorted(names)]


@lru_cache(maxsize=4096)
def canonical_of(text: str) -> str:
    """The canonical form of JSON as the database writes it: few texts come again and again."""
    return json_of(json.loads(text))


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
