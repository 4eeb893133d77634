"""Words that end with their age: gone for good, here and in the archive, and every proof holds."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from apps.activity.models import Event, Payload
from apps.activity.services import expiring
from apps.activity.services.archiving import months_archive
from apps.activity.services.expiring import words_expire
from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.core.models import Setting
from apps.proof.models import Log
from tests.activity.test_erasing import kept, swept, words_in  # noqa: F401  (a fixture)
from tests.proof.conftest import key, memory  # noqa: F401  (fixtures)

pytestmark = pytest.mark.django_db


@pytest.fixture
def after_days():
    return lambda days: Setting.objects.update_or_create(key="words_days", defaults={"value": days})


def left() -> list[int]:
    rows = Payload.objects.filter(salt__isnull=False).order_by("leaf_index")
    return list(rows.values_list("leaf_index", flat=True))


def entries():
    return AuditEntry.objects.filter(verb=Verb.WORDS_EXPIRED).order_by("pk")


def test_nothing_ends_until_somebody_says_after_how_long(kept, system):  # noqa: F811
    assert words_expire(actor=system) == 0

    assert len(left()) == 40
    log = Log.objects.get(name="activity")
    with (
        pytest.raises(IntegrityError, match="no setting says"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(expiring.CALL, [log.pk, 0, 100])


def test_old_words_go_and_their_records_are_proven_all_the_same(
    kept,  # noqa: F811
    system,
    after_days,
    monkeypatch,
    as_steward,
):
    after_days(90)

    assert words_expire(actor=system) == 20

    assert left() == list(range(20, 40))
    gone = Payload.objects.filter(leaf_index__lt=20)
    assert all(one.body is None and one.erased_at for one in gone)
    assert Event.objects.count() == 40
    assert swept() == ""
    assert words_expire(actor=system) == 0
    entry = entries().get()
    assert (entry.changes["erased"], entry.changes["before leaf"]) == ([None, 20], [None, 20])
    page = as_steward.post(reverse("activity:payload_open", args=[1])).text
    assert "erased" in page
    assert "erased after 90 days" in as_steward.get(reverse("activity:kept")).text


@pytest.fixture
def july_goes():
    """Tables made outside of a test's transaction are taken away again."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE activity_event_2025_07, activity_payload_2025_07")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("july_goes")
def test_it_goes_on_where_it_ended(kept, system, after_days, monkeypatch):  # noqa: F811
    """Each chunk is committed with its own entry, so one that is stopped loses nothing."""
    monkeypatch.setattr(expiring, "CHUNK", 8)
    monkeypatch.setattr(expiring, "MOST_CHUNKS", 2)
    after_days(90)

    assert [words_expire(actor=system) for _ in range(3)] == [16, 4, 0]

    assert left() == list(range(20, 40))
    assert [one.changes["erased"][1] for one in entries()] == [8, 8, 4]
    assert swept() == ""


def test_what_the_record_does_not_say_is_found(kept, system, after_days):  # noqa: F811
    after_days(90)
    words_expire(actor=system)
    Payload.objects.filter(leaf_index=25).update(salt=None, body=None, erased_at=timezone.now())

    assert "The words of record 25 were erased, and nobody approved it." in swept()


def test_words_in_the_archive_go_too_and_its_headers_stay(
    kept,  # noqa: F811
    system,
    after_days,
    monkeypatch,
):
    months_archive(actor=system)
    folder = kept / "2025-07"
    assert all("body" in one for one in words_in(folder))

    after_days(90)
    # Not before the last day of the month is that old.
    with monkeypatch.context() as early:
        early.setattr(expiring.timezone, "now", lambda: datetime(2025, 10, 20, tzinfo=UTC))
        assert words_expire(actor=system) == 0
    assert words_expire(actor=system) == 20

    assert all("erased" in one and "body" not in one for one in words_in(folder))
    assert len(list(folder.glob("events-*"))) == 1
    assert words_expire(actor=system) == 0
    assert AuditEntry.objects.filter(verb=Verb.ARCHIVE_REWRITTEN).count() == 1
