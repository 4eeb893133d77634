"""The words of a search of the trail: `agent:refunds outcome:failed after:2026-11-01`.

Read here without the database; what they mean there is for `apps.activity.selectors.searching`.
"""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from apps.activity.states import Kind, Outcome
from apps.core.errors import DomainError
from apps.grants.states import Level

LONGEST = 500
MOST_TERMS = 20
# Years that a time may lie in: around them, dates cannot be counted with.
YEARS = range(1970, 3000)
# What each key asks for, as the page explains it.
KEYS = {
    "agent": "an agent, by its name",
    "identity": "an identity, by its name or by what its system calls it",
    "credential": "a credential, by its id",
    "system": "a system, by its name",
    "action": "what was done, by its name; * stands for anything at the end",
    "target": "what it was done to; * stands for anything at the end",
    "outcome": "ok, failed, or denied",
    "level": "read, write, or admin; of a call whose log says none, what the catalogue has",
    "kind": "invocation, step, action, call, guard, or api (what a system recorded)",
    "corr": "a trace or correlation id",
    "request": "a system's own id of a request",
    "address": "where a call came from",
    "flagged": "yes: what the agent or a guard flagged",
    "after": "came in from then on: 2026-11-01, 2026-11-01T14:00, or 2h, 7d ago",
    "before": "came in until then; of a day, until its end",
}
ONE_OF = {
    "outcome": [value for value in Outcome.values if value],
    "level": list(Level.values),
    "kind": list(Kind.values),
    "flagged": ["yes"],
}
SPANS = {"m": "minutes", "h": "hours", "d": "days"}


class UnclearSearch(DomainError):
    """A search that cannot be read; the message names the word and what would be."""


@dataclass(slots=True)
class Terms:
    """What is asked for: each key's values, of which one must hold; and from when until when."""

    values: dict[str, list[str]] = field(default_factory=dict)
    after: datetime | None = None
    before: datetime | None = None

    def of(self, key: str) -> list[str]:
        return self.values.get(key, [])


def terms_of(text: str, *, now: datetime) -> Terms:
    """Read a search. A word without a key is a trace or correlation id. Raises `UnclearSearch`."""
    if len(text) > LONGEST:
        raise UnclearSearch(f"A search has at most {LONGEST} letters.")
    if "\x00" in text:
        raise UnclearSearch("A search holds no NUL.")
    terms = Terms()
    for key, value in _pairs(text):
        if key in ("after", "before"):
            setattr(terms, key, _moment(key, value, now))
        else:
            terms.values.setdefault(key, []).append(_checked(key, value))
    if terms.after and terms.before and terms.after > terms.before:
        raise UnclearSearch("after: lies behind before:, so that nothing can be between them.")
    return terms


def _pairs(text: str) -> Iterable[tuple[str, str]]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UnclearSearch("A quotation mark stands alone.") from error
    if len(words) > MOST_TERMS:
        raise UnclearSearch(f"A search has at most {MOST_TERMS} words.")
    for word in words:
        key, colon, value = word.partition(":")
        if not colon:
            yield "corr", word
        elif key not in KEYS:
            raise UnclearSearch(f"Nobody knows {key}: here. There is {', '.join(KEYS)}.")
        elif not value:
            raise UnclearSearch(f"{key}: asks for {KEYS[key]}.")
        else:
            yield key, value


def _checked(key: str, value: str) -> str:
    if key in ONE_OF and value not in ONE_OF[key]:
        raise UnclearSearch(f"{key}: is one of {', '.join(ONE_OF[key])}, not “{value}”.")
    if key == "corr" and not _is_id(value):
        raise UnclearSearch(
            f"“{value}” is no trace or correlation id, which has 32 hexadecimal digits."
            " Write what it is before it, as in agent:, action:, or request:."
        )
    return value


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _moment(key: str, value: str, now: datetime) -> datetime:
    if value[-1:] in SPANS and value[:-1].isascii() and value[:-1].isdigit() and len(value) < 6:
        return now - timedelta(**{SPANS[value[-1]]: int(value[:-1])})
    try:
        day = parse_date(value)
        moment = None if day else parse_datetime(value)
    except ValueError:
        moment = day = None
    told = day or moment
    if told is not None and told.year not in YEARS:
        raise UnclearSearch(f"{key}: no record is of the year {told.year}.")
    if day is not None:
        day += timedelta(days=1) if key == "before" else timedelta()
        moment = datetime.combine(day, time.min)
    if moment is None:
        raise UnclearSearch(f"{key}: wants a time: {KEYS['after'].partition(': ')[2]}.")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
