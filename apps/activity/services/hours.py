"""Counting what happened by the hour, again for each hour that something new belongs to.

Which hours those are is noted in the transaction that read or joined the record; they are counted
whole, from the records, in any order and however late. So counting twice changes nothing.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from apps.activity.models import Archive, Cursor, Event, HourDue, Invocation
from apps.activity.services.hour_statements import (
    DROP_DEEDS,
    DROP_USE,
    MAKE_DEEDS,
    MAKE_NAMES,
    MAKE_SIGHTINGS,
    MAKE_USE,
    NOTE_ALL_DEEDS,
    NOTE_ALL_USE,
    NOTE_CALLS,
    NOTE_DEEDS,
    NOTE_REBOUND_DEEDS,
    NOTE_REBOUND_USE,
)
from apps.activity.services.judging import runs_rebound
from apps.activity.services.linking import runs_settle
from apps.activity.services.naming import Deed
from apps.activity.states import DEEDS, Kind, Subject
from apps.proof.models import Log

AT_ONCE = 500
# The names of cursors: the projector's, and two of this module.
RUNS, COUNTING, BINDINGS = "runs", "hours", "bindings"
# How long a transaction may have been open whose binding is only seen now.
LATE = timedelta(hours=1)


def hours_note(
    log_id: int,
    events: Sequence[Event],
    joined: Collection[int],
    touched: Sequence[Invocation],
    renamed: Collection[Deed],
) -> None:
    """Note the hours of these records, of runs that were touched or are joined otherwise, and of
    deeds that are found to be another agent's.

    In the caller's transaction.
    """
    uses = {(one.identity_id, _hour(one.happened_at)) for one in events if one.kind == Kind.API}
    deeds = {(one.agent_id, _hour(one.happened_at)) for one in events if one.kind in DEEDS}
    _note(Subject.USE, uses)
    _note(Subject.DEED, deeds)
    deeds_note(renamed)
    _note_runs(log_id, {*(one.pk for one in touched), *joined}, joined)


def deeds_note(renamed: Iterable[Deed]) -> None:
    """Note the hours of deeds that are found to be another agent's. In the caller's transaction."""
    _note(Subject.DEED, {(agent, _hour(at)) for agent, at in renamed})


def _note_runs(log_id: int, of_calls: Collection[int], of_deeds: Collection[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(NOTE_CALLS, {"log": log_id, "runs": list(of_calls)})
        cursor.execute(NOTE_DEEDS, {"log": log_id, "runs": list(of_deeds)})


def hours_count(*, most: int = 20_000) -> int:
    """Count anew the hours that are due; returns how many. Nothing while another does the same."""
    Cursor.objects.get_or_create(name=COUNTING)
    done = 0
    while done < most:
        counted = _count(Subject.USE) + _count(Subject.DEED)
        done += counted
        if not counted:
            break
    return done


@transaction.atomic
def bindings_heed() -> int:
    """Note every hour of the identities and agents whose bindings changed since the last time.

    Whose a call is, which system a deed is of, and what a join is worth hang on who acts as what.
    The place of this cursor is a time, in seconds.
    """
    _alone()
    Cursor.objects.get_or_create(name=BINDINGS)
    cursor = Cursor.objects.select_for_update().get(name=BINDINGS)
    now = timezone.now()
    since = datetime.fromtimestamp(cursor.leaf, tz=now.tzinfo) - LATE
    with connection.cursor() as database:
        database.execute(NOTE_REBOUND_USE, {"since": since})
        noted: int = database.rowcount
        database.execute(NOTE_REBOUND_DEEDS, {"since": since})
        noted += database.rowcount
    for log in Log.objects.filter(name="activity"):
        joined = runs_settle(log.pk, runs_rebound(log.pk, since))
        _note_runs(log.pk, joined, joined)
    cursor.leaf = int(now.timestamp())
    cursor.save(update_fields=["leaf"])
    return noted


@transaction.atomic
def hours_note_all(log_id: int) -> int:
    """Note every hour of the records that are kept, and of what was counted within their time."""
    _alone()
    with connection.cursor() as cursor:
        cursor.execute(NOTE_ALL_USE, {"log": log_id})
        noted: int = cursor.rowcount
        cursor.execute(NOTE_ALL_DEEDS, {"log": log_id})
        noted += cursor.rowcount
    return noted


def _alone() -> None:
    """Wait for the projector: it notes hours too, and two that do could wait in a ring."""
    Cursor.objects.get_or_create(name=RUNS)
    Cursor.objects.select_for_update().get(name=RUNS)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _note(subject: Subject, keys: Iterable[tuple[int | None, datetime]]) -> None:
    wanted = sorted((pk, hour) for pk, hour in keys if pk is not None)
    rows = [HourDue(subject=subject, subject_id=pk, hour=hour) for pk, hour in wanted]
    HourDue.objects.bulk_create(rows, ignore_conflicts=True)


@transaction.atomic
def _count(subject: Subject) -> int:
    """Count one handful. A record that comes meanwhile notes its hour again, and waits for this.

    Hours of months that are archived keep what was counted while their records were here.
    """
    kept_since = Archive.objects.kept_since()
    if not Cursor.objects.select_for_update(skip_locked=True).filter(name=COUNTING).exists():
        return 0
    due = list(HourDue.objects.filter(subject=subject).order_by("subject_id", "hour")[:AT_ONCE])
    if not due:
        return 0
    HourDue.objects.filter(pk__in=[one.pk for one in due]).delete()
    hours_make(subject, [one for one in due if kept_since is None or one.hour >= kept_since])
    return len(due)


def hours_make(subject: Subject, due: Sequence[HourDue]) -> None:
    """Count these hours of one kind whole. In the caller's transaction, and nobody else's."""
    told: dict[str, Any] = {
        "subjects": [one.subject_id for one in due],
        "hours": [one.hour for one in due],
    }
    with connection.cursor() as cursor:
        for statement in _STATEMENTS[subject]:
            cursor.execute(statement, told)


_STATEMENTS = {
    Subject.USE: (DROP_USE, MAKE_USE, MAKE_NAMES, MAKE_SIGHTINGS),
    Subject.DEED: (DROP_DEEDS, MAKE_DEEDS),
}
