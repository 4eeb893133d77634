"""Who gets what from each URL of ours. `url_rows/<app>.py` declares it; the test walks it.

`who` are the seven readers; an outcome is the status code each of them gets. A reviewer here is a
stranger: they own nothing and manage nobody. The limited auditor's seat covers no system.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLPattern, get_resolver

LOGIN = "to the sign-in page"
DONE = "done, or refused as invalid input"
Outcome = int | str

OUTSIDE: dict[str, Outcome] = {"anonymous": LOGIN, "no role": 403, "ended seat": 403}


def inside(reviewer: Outcome, steward: Outcome, auditor: Outcome, limited: Outcome):
    return {
        **OUTSIDE,
        "reviewer": reviewer,
        "steward": steward,
        "auditor": auditor,
        "limited auditor": limited,
    }


PUBLIC = dict.fromkeys([*OUTSIDE, "reviewer", "steward", "auditor", "limited auditor"], 200)
EVERYBODY = inside(200, 200, 200, 200)
MACHINES = dict.fromkeys([*OUTSIDE, "reviewer", "steward", "auditor", "limited auditor"], 401)
STEWARDS = inside(403, 200, 403, 403)
READERS = inside(403, 200, 200, 200)
DECIDERS = inside(200, 200, 403, 403)
RECORD = inside(404, 200, 200, 404)  # a stranger's record does not exist for them
STEWARDS_RECORD = inside(404, 200, 404, 404)
READERS_RECORD = inside(403, 200, 200, 404)


@dataclass(frozen=True)
class Row:
    """One URL. `build` makes what its path names and returns the path's arguments."""

    expected: Mapping[str, Outcome]
    build: Callable[[], Sequence[Any]] = tuple
    method: str = "get"
    query: str = ""
    overrides: Mapping[str, Outcome] = field(default_factory=dict)

    @property
    def outcomes(self) -> dict[str, Outcome]:
        outcomes = {**self.expected, **self.overrides}
        if self.method == "post":
            return {who: DONE if code == 200 else code for who, code in outcomes.items()}
        return outcomes


def own_urls(patterns: Any = None, namespace: str = "") -> Iterator[str]:
    """The name of every URL that leads to a view of ours."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLPattern):
            if pattern.callback.__module__.startswith("apps."):
                yield f"{namespace}{pattern.name}"
        else:
            inner = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from own_urls(pattern.url_patterns, f"{namespace}{inner}")
