"""What lies beside one run: the runs before and after it, and the use of what it used."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from apps.activity.models import Invocation
from apps.activity.selectors.stories import Joined
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


def neighbours_of(invocation: Invocation, joined: Iterable[Joined], actor: Actor) -> Neighbours:
    """Of a run of an agent that nobody knows, only its conversation.

    `joined` are the calls joined to the run, as far as the reader may see them.
    """
    visible = Invocation.objects.visible_to(actor).named()
    mine = visible.filter(agent_id=invocation.agent_id or -1)
    started, pk = invocation.started_at, invocation.pk
    talk = visible.filter(
        agent_id=invocation.agent_id, conversation=invocation.conversation or None
    )
    return Neighbours(
        mine.filter(started_at__lt=started).order_by("-started_at", "-pk").first(),
        mine.filter(started_at__gt=started).order_by("started_at", "pk").first(),
        list(talk.exclude(pk=pk).order_by("-started_at")[:MOST_RUNS]),
        _credentials(joined, actor),
    )


def _credentials(joined: Iterable[Joined], actor: Actor) -> list[tuple[Credential, str]]:
    """What signed the calls joined to the run, each with the search for all its use that hour."""
    signed = [one.event for one in joined if one.event.credential_id]
    if not signed:
        return []
    since = min(one.recorded_at for one in signed) - HOUR
    keys = {one.credential_id for one in signed if one.credential_id}
    rows = Credential.objects.visible_to(actor).filter(pk__in=keys).order_by("pk")
    return [
        (one, f"credential:{one.pk} after:{since.isoformat(timespec='seconds')}")
        for one in rows[:MOST_CREDENTIALS]
    ]
