"""Months get their tables ahead; where nobody made one, that is said, and put right."""

from datetime import date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.activity.models import Event, Payload
from apps.activity.selectors.keeping import month_after, months_before, months_here, strays_counted
from apps.activity.services import append
from apps.activity.services.partitions import partitions_keep
from apps.activity.services.sweeping import records_sweep
from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.findings.models import Finding
from apps.findings.services import findings_recheck
from apps.proof.models import Watch
from apps.proof.states import WatchKind
from tests.activity.keeping import JULY, records_come

pytestmark = pytest.mark.django_db


def at(moment, monkeypatch, count=3):
    with monkeypatch.context() as patched:
        patched.setattr(append.timezone, "now", lambda: moment)
        return records_come(count, mark=str(moment))


def holding(system):
    findings_recheck(actor=system, rules=["partition-missing", "log-broken"])
    return list(Finding.objects.holding().values_list("rule", "detail"))


def lies_in(model):
    with connection.cursor() as cursor:
        table = model._meta.db_table
        cursor.execute(f"SELECT tableoid::regclass::text, count(*) FROM {table} GROUP BY 1")  # noqa: S608
        return dict(cursor.fetchall())


@pytest.mark.parametrize(
    ("day", "months", "first"),
    [
        ("2026-11-29", 0, "2026-11-01"),
        ("2026-03-31", 3, "2025-12-01"),
        ("2026-01-01", 25, "2023-12-01"),
    ],
)
def test_months_are_counted_over_years(day, months, first):
    assert months_before(date.fromisoformat(day), months) == date.fromisoformat(first)
    assert month_after(date(2025, 12, 31)) == date(2026, 1, 1)


def test_the_tables_of_months_to_come_are_made_once(system):
    later = timezone.now() + timedelta(days=400)

    first, again = (partitions_keep(actor=system, now=later) for _ in range(2))

    assert (first.made, first.trouble) == (8, "")
    assert (again.made, again.moved) == (0, 0)
    assert month_after(later.date()) in months_here()


def test_records_without_a_month_are_told_of_and_moved(system, monkeypatch):
    at(JULY, monkeypatch)
    at(JULY + timedelta(days=40), monkeypatch)
    records_come(2)
    assert (strays_counted(), records_sweep()) == (6, 8)

    put = partitions_keep(actor=system)

    assert (put.moved, strays_counted()) == (6, 0)
    assert lies_in(Event)["activity_event_2025_07"] == 3
    assert lies_in(Payload)["activity_payload_2025_08"] == 3
    [(rule, detail)] = holding(system)
    assert (rule, detail) == ("partition-missing", "6 records lay in the default partition.")
    entry = AuditEntry.objects.get(verb=Verb.RECORDS_SORTED)
    assert entry.changes["moved"] == [None, 6]
    assert records_sweep(now=timezone.now() + timedelta(days=2)) == 8
    assert Watch.objects.get(kind=WatchKind.SWEEPER).trouble == ""

    partitions_keep(actor=system)
    assert holding(system) == []


def test_moved_records_can_still_not_be_changed(system, monkeypatch):
    at(JULY, monkeypatch)
    partitions_keep(actor=system)
    at(datetime(2024, 1, 1, tzinfo=JULY.tzinfo), monkeypatch)

    for table in ("activity_event_2025_07", "activity_event_rest", "activity_payload_rest"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608


def test_a_person_can_put_them_right_by_hand(monkeypatch, capsys):
    at(JULY, monkeypatch)

    call_command("trail_partitions")

    assert "Moved 3 records" in capsys.readouterr().out
    assert strays_counted() == 0
