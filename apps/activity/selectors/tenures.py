"""Grants as they were held: from when, until when, and since when they say what they say now."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from apps.activity.allowing import Call, Held
from apps.activity.selectors.held import held_as
from apps.grants.models import Grant

TIMES = (
    "first_seen_at",
    "ended_at",
    "gone_at",
    "content_changed_at",
    "identity__first_seen_at",
)


@dataclass(frozen=True, slots=True)
class Tenure:
    """A grant, over or not, and how long it stood: `changed` is when its content became so.

    `is_live` says that nobody ended it, whether or not its source still shows it; `known_from` is
    since when its identity is known here.
    """

    held: Held
    system_id: int
    begun: datetime
    ended: datetime | None
    changed: datetime | None
    is_live: bool
    known_from: datetime

    def stood_at(self, moment: datetime) -> bool:
        return self.begun <= moment and (self.ended is None or self.ended > moment)

    def stood_in(self, since: datetime, until: datetime) -> bool:
        """For a part of [since, until) at least."""
        return self.begun < until and (self.ended is None or self.ended > since)

    def was_other(self, moment: datetime, call: Call) -> bool:
        """Whether what it allowed of this call then is not known."""
        if self.changed is None or self.changed <= moment or self.begun >= moment:
            return False
        return self.is_of(call)

    def is_of(self, call: Call) -> bool:
        """In AWS a grant is of one service, and names no action of another."""
        return call.kind != "aws" or self.held.service in {"", "*", call.service}


def tenures_of(identities: Iterable[int]) -> dict[int, list[Tenure]]:
    """Every grant of these identities, over or not, as it is kept now: two queries."""
    grants = Grant.objects.filter(identity__in=list(identities))
    found: dict[int, list[Tenure]] = defaultdict(list)
    for row, held in held_as(grants, *TIMES):
        begun, ended_at, gone_at, changed, known_from = (row[name] for name in TIMES)
        ended = min(filter(None, (ended_at, gone_at)), default=None)
        one = Tenure(
            held,
            row["system_id"],
            begun,
            ended,
            changed,
            is_live=ended_at is None,
            known_from=known_from,
        )
        found[row["identity_id"]].append(one)
    return found
