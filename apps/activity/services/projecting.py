"""From records to what people read: runs summed up, and API calls joined to them.

Everything here can be made anew from the records. One projector reads them in the order of the
log; how far it came is written in the transaction of what it made of them, so that killing it
anywhere loses and doubles nothing.
"""

from django.db import transaction

from apps.activity.models import Cursor, Event
from apps.activity.services.folding import invocations_fold
from apps.activity.services.hours import RUNS, hours_note
from apps.activity.services.linking import calls_link
from apps.activity.states import Kind
from apps.core.actors import System
from apps.inventory.services.agents import trails_connect
from apps.proof.models import Log

CHUNK = 5000
PROJECTOR = System("the trail")


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
    touched = invocations_fold(log.pk, told)
    links = calls_link(log.pk, events, touched)
    hours_note(log.pk, events, links, touched)
    if agents := {one.agent_id for one in told if one.agent_id}:
        trails_connect(agent_ids=agents, actor=PROJECTOR)
    cursor.leaf = events[-1].leaf_index + 1
    cursor.save(update_fields=["leaf"])
    return len(events)
