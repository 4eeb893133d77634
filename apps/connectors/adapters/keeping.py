"""What a database cannot keep, found in an entry before anything of it is written."""

import json
import re
from typing import Any

NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def flaw_of(entry: Any) -> str:
    """Say why an entry cannot be kept as it is; empty where it can."""
    try:
        text = json.dumps(entry, allow_nan=False, ensure_ascii=False)
        text.encode()
    except RecursionError:
        return "It is nested too deeply."
    except UnicodeEncodeError:
        return "It holds half a character, a surrogate without its other half."
    except ValueError:
        return "It holds a number that is not finite."
    return "It holds a NUL character, which no text may hold." if NUL.search(text) else ""
