"""From records to what people read: runs summed up, and API calls joined to them.

One projector reads the records in the order of the log; how far it came is written in the
transaction of what it made of them, so that killing it anywhere loses and doubles nothing. What the
joins are worth, and what is counted of them, can be made anew at any time.
"""

from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.activity.models import Cursor, Event, Invocation, Link
from apps.activity.services.folding import invocations_fold
from apps.activity.services.hours import RUNS, hours_note
from apps.activity.services.linking import calls_link, runs_settle
from apps.activity.services.naming import names_find, reaches_of, runs_tell_anew
from apps.activity.states import Kind
from apps.proof.models import Log

CHUNK = 5000
SETTLED = 500


def events_project(*, most: int = 200_000) -> int:
    """Read on from where the last run stopped; returns how many records were read.

    Does nothing while another does the same. What it leaves past `most` is for the next run.
    """
    Cursor.objects.get_or_create(name=RUNS)
    done = 0
    while done < most:
        read = _chunk()
        done += read
        if read < CHUNK:
            break
    return done


def joins_settle(log_id: int) -> int:
    """Judge every join anew, and tell anew which deed each call is of; returns of how many runs.

    A few hundred runs at a time, each time alone with them.
    """
    done, last = 0, 0
    while runs := _with_joins(log_id, last):
        with transaction.atomic():
            Cursor.objects.get_or_create(name=RUNS)
            Cursor.objects.select_for_update().get(name=RUNS)
            runs_settle(log_id, runs)
        done, last = done + len(runs), runs[-1]
    return done


def _with_joins(log_id: int, after: int) -> list[int]:
    joined = Exists(Link.objects.filter(invocation=OuterRef("pk")))
    runs = Invocation.objects.filter(joined, log_id=log_id, pk__gt=after).order_by("pk")
    return list(runs.values_list("pk", flat=True)[:SETTLED])


@transaction.atomic
def _chunk() -> int:
    cursor = Cursor.objects.select_for_update(skip_locked=True).filter(name=RUNS).first()
    log = Log.objects.filter(name="activity").first()
    if cursor is None or log is None:
        return 0
    events = list(Event.objects.following(log.pk, cursor.leaf)[:CHUNK])
    if not events:
        return 0
    told = [one for one in events if one.kind != Kind.API]
    until = events[-1].leaf_index + 1
    named = names_find(log.pk, told, until)
    folded = invocations_fold(log.pk, told, named.whose)
    anew = runs_tell_anew(log.pk, reaches_of(log.pk, named.moved | folded.mixed), until)
    again = {one.trace_id for one in anew}
    touched = [*(one for one in folded.runs if one.trace_id not in again), *anew]
    joined = calls_link(log.pk, events, touched, anew)
    hours_note(log.pk, events, joined, touched, named.deeds)
    cursor.leaf = until
    cursor.save(update_fields=["leaf"])
    return len(events)
