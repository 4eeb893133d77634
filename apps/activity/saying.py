"""What the text of a header says, also where that text is none that Countersign would write."""

from collections.abc import Mapping
from typing import Any

import orjson

NOT_JSON = "a record's header is not JSON, and only its exact text says what it holds"


def header_said(text: str | bytes) -> dict[str, Any]:
    """A header by its names. One that is no JSON object says that, as a warning, and no more."""
    try:
        said = orjson.loads(text)
    except ValueError:
        said = None
    return said if isinstance(said, dict) else {"warnings": [NOT_JSON]}


def is_unreadable(said: Mapping[str, Any]) -> bool:
    """Whether a header that `header_said` told is none."""
    return said.get("warnings") == [NOT_JSON]
