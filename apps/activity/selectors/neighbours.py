"""What lies beside one run: the runs before and after it, and the use of what it used."""

from dataclasses import dataclass
from datetime import timedelta

from apps.activity.models import Event, Invocation
from apps.core.actors import Actor
from apps.inventory.models import Credential

MOST_CREDENTIALS = 5
MOST_RUNS = 5
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Neighbours:
    before: Invocation | None
    after: Invocation | None
    conversation: list[Invocation]
    credentials: list[tuple[Credential, str]]


def neighbours_of(invocation: Invocation, actor: Actor) -> Neighbours:
    """Of a run of an agent that nobody knows, only its conversation."""
    visible = Invocation.objects.visible_to(actor)
    mine = visible.filter(agent_id=invocation.agent_id or -1)
    started, pk = invocation.started_at, invocation.pk
    talk = visible.filter(
        agent_id=invocation.agent_id, conversation=invocation.conversation or None
    )
    return Neighbours(
        mine.filter(started_at__lt=started).order_by("-started_at", "-pk").first(),
        mine.filter(started_at__gt=started).order_by("started_at", "pk").first(),
        list(talk.exclude(pk=pk).order_by("-started_at")[:MOST_RUNS]),
        _credentials(invocation, actor),
    )


def _credentials(invocation: Invocation, actor: Actor) -> list[tuple[Credential, str]]:
    """What signed the calls joined to the run, each with the search for all its use that hour."""
    links = list(invocation.links.order_by("-confidence")[:100])
    if not links:
        return []
    times = [one.call_recorded_at for one in links]
    calls = Event.objects.at(invocation.log_id, (one.call_leaf for one in links))
    used = calls.recorded_between(min(times), max(times)).filter(credential_id__isnull=False)
    keys = {one.credential_id for one in used if one.credential_id}
    rows = Credential.objects.visible_to(actor).filter(pk__in=keys).order_by("pk")
    return [
        (one, f"credential:{one.pk} after:{(min(times) - HOUR).isoformat(timespec='seconds')}")
        for one in rows[:MOST_CREDENTIALS]
    ]
