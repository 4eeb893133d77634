"""Records of the trail by a search: only by indexes, always between two times."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone
from psycopg.errors import QueryCanceled

from apps.activity.models import Event, Invocation, Link
from apps.activity.querysets.events import EventQuerySet
from apps.activity.saying import header_said
from apps.activity.searching import Terms, UnclearSearch
from apps.activity.selectors.naming import names_beside, run_of
from apps.activity.states import CONTESTED, PROVEN_FROM, Kind
from apps.core.actors import Actor
from apps.grants.models import Permission
from apps.inventory.models import Agent, Binding, Credential, Identity, System

PAGE = 50
USUAL_DAYS = 7
LONGEST_MS = 5000
MOST_NAMED = 200
MOST_EXPORTED = 100_000


@dataclass(frozen=True, slots=True)
class FoundRow:
    """One record, whose it is in its own words, and the run it names, where the reader sees it.

    A call `is_contested` where the agent of that run does not act as its identity: then it proves
    nothing, and the run is not taken for its own.
    """

    event: Event
    who: str
    run: Invocation | None
    is_contested: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A page of records, newest first; `next_leaf` is where the next one begins, 0 if none does.

    `unknown` are the names asked for that nothing bears which the reader sees, with their key.
    """

    rows: list[FoundRow]
    since: datetime
    until: datetime
    next_leaf: int
    unknown: list[tuple[str, str]]


def search(terms: Terms, actor: Actor, *, below: int = 0, now: datetime | None = None) -> Found:
    """One page of what the reader may see. Raises `UnclearSearch` if it takes too long."""
    now = now or timezone.now()
    since, until = window_of(terms, now)
    with in_time():
        rows = events_found(terms, actor, now=now)
        if below:
            rows = rows.filter(leaf_index__lt=below)
        events = list(rows[: PAGE + 1])
    shown = events[:PAGE]
    following = shown[-1].leaf_index if len(events) > PAGE else 0
    unknown = [] if shown or below else _unknown(terms, actor)
    return Found(rows_of(shown, actor), since, until, following, unknown)


def rows_of(events: Sequence[Event], actor: Actor) -> list[FoundRow]:
    """Records as lists show them; a few queries, however many they are."""
    runs, joined, known = _runs(events, actor), _joined(events, actor), names_beside(events)
    found = []
    for one in events:
        agent, header = known.get(one.leaf_index), header_said(one.header)
        run, is_contested = joined.get(one.leaf_index, (None, False))
        if one.leaf_index not in joined:
            teller = agent.pk if agent else one.agent_id
            run = run_of(runs.get(_run_id(one), ()), teller, header)
        who = agent.name if agent else _who(header)
        found.append(FoundRow(one, who, run, is_contested=is_contested))
    return found


def _run_id(event: Event) -> UUID | None:
    return event.trace_id or event.correlation


def _who(header: dict[str, Any]) -> str:
    whose, claimed = header.get("whose", {}), header.get("claimed", {})
    known = whose.get("agent") or whose.get("identity")
    told: str = known or header.get("principal") or claimed.get("agent") or "not known"
    return told


def window_of(terms: Terms, now: datetime) -> tuple[datetime, datetime]:
    """From when until when: a week, where nobody says."""
    until = terms.before or now
    return terms.after or until - timedelta(days=USUAL_DAYS), until


def events_found(terms: Terms, actor: Actor, *, now: datetime) -> EventQuerySet:
    """What matches, newest first. The times are the server's: when a record came in."""
    since, until = window_of(terms, now)
    rows = Event.objects.in_trail().recorded_between(since, until)
    for key, values in terms.values.items():
        rows = rows.filter(CONDITIONS[key](values, actor))
    return rows.visible_to(actor).order_by("-leaf_index")


@contextmanager
def in_time() -> Iterator[None]:
    """Stop the database after a few seconds, with words that help."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {LONGEST_MS}")
            yield
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        raise UnclearSearch(
            "This looks at too much to be answered soon. Narrow the time with after: and before:,"
            " or name an agent, an identity, or an id."
        ) from error


def _named(key: str) -> Callable[[list[str], Actor], Q]:
    """By the names of other records, as far as the reader sees those."""

    def condition(values: list[str], actor: Actor) -> Q:
        return Q(**{f"{key}_id__in": _keys(*NAMED[key], values, actor)})

    return condition


def _keys(rows: QuerySet, fields: tuple[str, ...], values: list[str], actor: Actor) -> list[int]:
    wanted = Q()
    for value in values:
        for field in fields:
            wanted |= Q(**{f"{field}__iexact": value})
        if value.isascii() and value.isdigit() and len(value) < 18:
            wanted |= Q(pk=value)
    visible = rows.all().visible_to(actor)  # type: ignore[attr-defined]
    return list(visible.filter(wanted).values_list("pk", flat=True)[:MOST_NAMED])


NAMED: dict[str, tuple[QuerySet, tuple[str, ...]]] = {
    "agent": (Agent.objects.all(), ("name",)),
    "identity": (Identity.objects.all(), ("name", "external_id")),
    "credential": (Credential.objects.all(), ("external_id",)),
    "system": (System.objects.all(), ("name",)),
}


def _unknown(terms: Terms, actor: Actor) -> list[tuple[str, str]]:
    """Names that were asked for and that nothing bears: why nothing may have been found."""
    return [
        (key, value)
        for key, (rows, fields) in NAMED.items()
        for value in terms.of(key)
        if not _keys(rows, fields, [value], actor)
    ]


def _by_agent(values: list[str], actor: Actor) -> Q:
    """What agents said, the calls of identities they alone act as, and those proven of their runs.

    The latter by identities that they share, which is what an index finds them by.
    """
    agents = _keys(*NAMED["agent"], values, actor)
    bound = Binding.objects.live().filter(agent__in=agents)
    of = dict(bound.values_list("identity", "identity__binding_count")[:MOST_NAMED])
    alone, shared = [pk for pk in of if of[pk] == 1], [pk for pk in of if of[pk] != 1]
    wanted = Event.objects.of_agents(agents) | Q(kind=Kind.API, identity_id__in=alone)
    if shared:
        links = Link.objects.filter(
            log_id=OuterRef("log_id"),
            call_leaf=OuterRef("leaf_index"),
            confidence__gte=PROVEN_FROM,
            invocation__agent_id__in=agents,
        )
        wanted |= Q(Exists(links), kind=Kind.API, identity_id__in=shared)
    return wanted


def _text(column: str) -> Callable[[list[str], Actor], Q]:
    """By a text as it stands, or by its beginning."""

    def condition(values: list[str], actor: Actor) -> Q:
        wanted = Q()
        for value in values:
            beginning = value.endswith("*")
            lookup = f"{column}__startswith" if beginning else column
            wanted |= Q(**{lookup: value.removesuffix("*")})
        return wanted

    return condition


def _by_id(values: list[str], actor: Actor) -> Q:
    ids = [UUID(value) for value in values]
    return Q(trace_id__in=ids) | Q(correlation__in=ids)


def _by_level(values: list[str], actor: Actor) -> Q:
    """By what the log says; where it says none of a call, by what the catalogue of permissions
    has, as what is explained is held."""
    kind = System.objects.filter(pk=OuterRef(OuterRef("system_id"))).values("kind")
    called = Permission.objects.filter(
        level__in=values, search=Lower(OuterRef("name")), system_kind__in=kind
    )
    return Q(level__in=values) | Q(Exists(called), kind=Kind.API, level="")


CONDITIONS: dict[str, Callable[[list[str], Actor], Q]] = {
    "agent": _by_agent,
    "identity": _named("identity"),
    "credential": _named("credential"),
    "system": _named("system"),
    "action": _text("name"),
    "target": _text("target"),
    "request": _text("request_id"),
    "address": _text("address"),
    "outcome": lambda values, actor: Q(outcome__in=values),
    "level": _by_level,
    "kind": lambda values, actor: Q(kind__in=values),
    "corr": _by_id,
    "flagged": lambda values, actor: Q(severity__gt=0),
}


def _runs(events: Sequence[Event], actor: Actor) -> dict[UUID | None, list[Invocation]]:
    """The runs that these records name, for links to them."""
    ids = {told for one in events if (told := _run_id(one))}
    if not ids:
        return {}
    runs: dict[UUID | None, list[Invocation]] = defaultdict(list)
    for run in Invocation.objects.visible_to(actor).under(events[0].log_id, ids):
        runs[run.trace_id].append(run)
    return runs


def _joined(events: Sequence[Event], actor: Actor) -> dict[int, tuple[Invocation | None, bool]]:
    """The runs that calls are proven to be of, by the places of the calls; else those that they
    name and that are contested, and which of both it is. None, where the reader does not see that
    run: another under the same id is not taken for it."""
    calls = [one for one in events if one.kind == Kind.API]
    if not calls:
        return {}
    links = Link.objects.filter(
        Q(confidence__gte=PROVEN_FROM) | Q(confidence=CONTESTED),
        log_id=calls[0].log_id,
        call_leaf__in=[one.leaf_index for one in calls],
    )
    seen = Invocation.objects.visible_to(actor).filter(pk=OuterRef("invocation"))
    surest_last: Any = (
        links.select_related("invocation")
        .annotate(is_proof=Q(confidence__gte=PROVEN_FROM), is_seen=Exists(seen))
        .order_by("is_proof", "is_seen", "confidence")
    )
    return {
        one.call_leaf: (one.invocation if one.is_seen else None, one.is_seen and not one.is_proof)
        for one in surest_last
    }
