"""The quick filling of the trail leaves what the door and the projector would have left."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.activity.models import (
    Cursor,
    DeedHour,
    Event,
    HourDue,
    Invocation,
    Link,
    Payload,
    Sighting,
    UseHour,
)
from apps.activity.selectors.keeping import months_here
from apps.activity.services.hours import hours_count
from apps.activity.services.projecting import events_project
from apps.proof.models import Log
from tests.bench import kept
from tests.bench.trail_fill import trail_fill

# Tables are taken off and put back, which a transaction of a test would not show to the others.
pytestmark = pytest.mark.django_db(transaction=True)
RECORDS = 6000
SHAPE = """
    SELECT replace(pg_get_indexdef(indexrelid), relname, 'part'), indisprimary, indisvalid
    FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
    WHERE relname = %s ORDER BY 1
"""
REST = """
    SELECT relacl::text, relkind,
        (SELECT array_agg(tgname::text ORDER BY tgname) FROM pg_trigger
         WHERE tgrelid = pg_class.oid),
        (SELECT count(*) FROM pg_inherits JOIN pg_index ON inhrelid = indexrelid
         WHERE indrelid = pg_class.oid)
    FROM pg_class WHERE relname = %s
"""


@pytest.fixture
def filled():
    before = months_here()
    plan = kept.plan_of(RECORDS)
    try:
        trail_fill(plan, processes=2)
        kept.project(plan.log_id, 2)
        yield plan
    finally:
        # No flush of a database takes tables away again, and none puts back what was taken off.
        with connection.cursor() as cursor:
            for month in {start.date() for start, _ in plan.months()} - before:
                for table in ("activity_event", "activity_payload"):
                    cursor.execute(f"DROP TABLE IF EXISTS {table}_{month:%Y_%m}")


def projected():
    """All that is made of the records, without what says when it was made."""
    return {
        model.__name__: sorted(
            json.dumps([row[name] for name in sorted(row)], default=str)
            for row in model.objects.values(*_told(model))
        )
        for model in (Invocation, DeedHour, UseHour, Sighting)
    } | {
        "Link": sorted(
            Link.objects.values_list(
                "call_leaf", "invocation__trace_id", "action_leaf", "method", "confidence"
            )
        )
    }


def _told(model):
    return [one.attname for one in model._meta.concrete_fields if not one.primary_key]


def test_it_is_what_the_projector_makes_of_the_same_records(filled):
    quick = projected()

    for model in (Link, Invocation, DeedHour, UseHour, Sighting, HourDue):
        model.objects.all().delete()
    Cursor.objects.filter(name="runs").update(leaf=0)
    events_project()
    hours_count()

    assert quick == projected()
    assert len(quick["Link"]) > RECORDS / 5
    assert {len(rows) > 0 for rows in quick.values()} == {True}


def test_every_record_is_its_leaf_and_its_words_are_those_committed_to(filled):
    swept = kept.whole()

    assert (swept.holds, swept.note.strip()) == (True, swept.note.strip())
    assert Log.objects.get(name="activity").size == RECORDS == Event.objects.count()
    assert Payload.objects.count() == RECORDS
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE activity_payload DISABLE TRIGGER ALL")
        cursor.execute("UPDATE activity_payload SET body = 'x' WHERE leaf_index = 77")
        cursor.execute("ALTER TABLE activity_payload ENABLE TRIGGER ALL")
    assert not kept.records_sweep(now=timezone.now())
    kept.records_sweep(chunks=10**6, now=timezone.now() + timedelta(days=2))
    assert "words of record 77" in kept.Watch.objects.in_trouble().get().trouble


def test_a_month_that_was_filled_has_the_tables_of_one_that_was_not(filled):
    past, ahead = f"{filled.first:%Y_%m}", f"{timezone.now() + timedelta(days=40):%Y_%m}"

    for table in ("activity_event", "activity_payload"):
        shapes = []
        for month in (past, ahead):
            with connection.cursor() as cursor:
                cursor.execute(SHAPE, [f"{table}_{month}"])
                indexes = cursor.fetchall()
                cursor.execute(REST, [f"{table}_{month}"])
                shapes.append((indexes, cursor.fetchall()))
        assert shapes[0] == shapes[1]
        assert len(shapes[0][0]) == (10 if table == "activity_event" else 1)
