"""The months of the trail as tables: made ahead, and put right where records came without one."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import OperationalError, connection, transaction
from django.utils import timezone

from apps.activity.selectors.keeping import month_after, months_here, strays_counted
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.proof.models import Log
from apps.proof.services.watching import watch_cleared, watch_looked, watch_troubled
from apps.proof.states import WatchKind

AHEAD = 4
# Moving records waits so long for those who read or write, and is put off otherwise.
PATIENCE = "5s"


@dataclass(frozen=True, slots=True)
class Put:
    """What a look at the partitions did: how many it made, how many records it moved."""

    made: int
    moved: int
    trouble: str


def partitions_keep(*, actor: Actor, now: datetime | None = None) -> Put:
    """Make this month's tables and the next three, and empty the default ones into their months.

    What was wrong is told until a look finds nothing wrong: that records came for which nobody
    had made a table, or that the next month's are still not there.
    """
    now = now or timezone.now()
    strays, moved = strays_counted(), 0
    trouble = f"{strays} records lay in the default partition." if strays else ""
    if strays:
        try:
            moved = _strays_move(actor, strays)
        except OperationalError:
            trouble = f"{strays} records lie in the default partition and could not be moved yet."
    made = _make(now.date())
    if month_after(now.date()) not in months_here():
        trouble = f"There is no table for {month_after(now.date()):%B %Y}. {trouble}".strip()
    _tell(trouble, now)
    return Put(made, moved, trouble)


@transaction.atomic
def _strays_move(actor: Actor, strays: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
        cursor.execute("SELECT activity_empty_rest()")
        moved: int = cursor.fetchone()[0]
    record(
        actor=actor,
        verb=Verb.RECORDS_SORTED,
        target=Log.objects.get(name="activity"),
        changes={"in the default partition": (strays, 0), "moved": (None, moved)},
    )
    return moved


@transaction.atomic
def _make(first: date) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT activity_make_partitions(%s, %s)", [first, AHEAD])
        made: int = cursor.fetchone()[0]
    return made


def _tell(trouble: str, now: datetime) -> None:
    log = Log.objects.filter(name="activity").first()
    if log is None:
        return
    # Told anew each time, because it counts: what is wrong now is what matters.
    watch_cleared(log, WatchKind.KEEPER)
    if trouble:
        watch_troubled(log, WatchKind.KEEPER, said=trouble, now=now)
    else:
        watch_looked(log, WatchKind.KEEPER, now=now)
