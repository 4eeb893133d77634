"""What lies beside one run: the runs before and after it, and the use of what it used."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet, Value

from apps.activity.models import Invocation
from apps.activity.selectors.stories import Joined
from apps.core.actors import Actor
from apps.inventory.models import Credential

MOST_CREDENTIALS = 5
MOST_RUNS = 5


@dataclass(frozen=True, slots=True)
class Neighbours:
    before: Invocation | None
    after: Invocation | None
    conversation: list[Invocation]
    credentials: list[tuple[Credential, datetime]]


def neighbours_of(invocation: Invocation, joined: Iterable[Joined], actor: Actor) -> Neighbours:
    """Of a run of an agent that nobody knows, only its conversation.

    `joined` are the calls joined to the run, as far as the reader may see them.
    """
    visible = Invocation.objects.visible_to(actor).named()
    mine = visible.filter(agent_id=invocation.agent_id or -1)
    started, pk = invocation.started_at, invocation.pk
    talk = visible.filter(
        agent_id=invocation.agent_id, conversation=invocation.conversation or None
    ).exclude(pk=pk)
    found = _each(
        before=mine.filter(started_at__lt=started).order_by("-started_at", "-pk")[:1],
        after=mine.filter(started_at__gt=started).order_by("started_at", "pk")[:1],
        talk=talk.order_by("-started_at", "-pk")[:MOST_RUNS],
    )
    return Neighbours(
        next(iter(found["before"]), None),
        next(iter(found["after"]), None),
        found["talk"],
        _credentials(joined, actor),
    )


def _each(**rows: QuerySet[Invocation]) -> dict[str, list[Invocation]]:
    """Runs of several kinds by one query, each kind newest first."""
    first, *others = (of.annotate(beside=Value(name)) for name, of in rows.items())
    found: dict[str, list[Invocation]] = defaultdict(list)
    for one in first.union(*others, all=True).order_by("-started_at", "-pk"):
        found[one.beside].append(one)
    return found


def _credentials(joined: Iterable[Joined], actor: Actor) -> list[tuple[Credential, datetime]]:
    """What signed the calls joined to the run, each with when it did first."""
    signed: dict[int, datetime] = {}
    for one in (one.event for one in joined):
        if one.credential_id:
            known = signed.get(one.credential_id, one.happened_at)
            signed[one.credential_id] = min(known, one.happened_at)
    if not signed:
        return []
    rows = Credential.objects.visible_to(actor).filter(pk__in=signed).order_by("pk")
    return [(one, signed[one.pk]) for one in rows[:MOST_CREDENTIALS]]
