"""What people see of what is kept, archived, and erased."""

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Seat
from apps.activity.headers import Whose
from apps.activity.models import Erasure, Event, Invocation, Payload
from apps.activity.services.archiving import months_archive
from apps.activity.services.hours import hours_count
from apps.activity.services.projecting import events_project
from apps.core.models import Job, Setting
from apps.proof.services.signing import logs_sign
from tests.activity.keeping import JULY, records_came, records_come
from tests.factories.accounts import SeatFactory, UserFactory
from tests.factories.inventory import AgentFactory
from tests.proof.conftest import key, memory  # noqa: F401  (fixtures)
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

WHY = "The customer asked that their words be erased."


@pytest.fixture
def agent():
    return AgentFactory(name="Refund agent")


@pytest.fixture
def archive_place(settings, tmp_path):
    settings.TRAIL_ARCHIVE_DIR = tmp_path / "archive"
    return settings.TRAIL_ARCHIVE_DIR


@pytest.fixture
def signed(key, memory):  # noqa: F811
    return lambda: logs_sign(key=key, memory=memory, now=timezone.now())


@pytest.fixture
def july(archive_place, monkeypatch, signed, agent):
    """A run of July that is due for the archive, with three words."""
    records_came(JULY, 3, monkeypatch, whose=Whose(agent_id=agent.pk, agent=agent.name))
    signed()
    events_project()
    hours_count()
    Setting.objects.create(key="trail_months", value=2)
    return archive_place


def address(name, *args):
    return reverse(f"activity:{name}", args=args)


def another_steward():
    client = Client()
    sign_in(client, UserFactory(display_name="The other steward", role="steward"))
    return client


def test_the_page_says_what_is_kept_how_long_and_what_is_due(as_steward, july):
    page = as_steward.get(address("kept")).text

    assert "stay in the database for 2 whole months" in page
    assert "In the database; due for the archive" in page
    assert "Archive what is due" in page
    assert "Open for what comes" in page


def test_an_auditor_sees_it_and_may_not_archive(as_auditor, july):
    page = as_auditor.get(address("kept")).text

    assert "Only a steward archives months of the trail." in page
    assert as_auditor.post(address("months_archive"), {"reason": WHY}).status_code == 403


def test_a_steward_archives_what_is_due(as_steward, july, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = as_steward.post(address("months_archive"), {"reason": WHY})

    assert answer.status_code == 302
    assert Job.objects.get().message == "1 months left the database, 3 records."
    assert not Event.objects.exists()
    page = as_steward.get(address("kept")).text
    assert "Archived <time" in page
    refused = as_steward.post(address("months_archive"), {"reason": WHY})
    assert "No month is due" in refused.text


def test_what_was_archived_says_so_instead_of_being_nowhere(as_steward, july, system):
    months_archive(actor=system)

    story = as_steward.get(Invocation.objects.get().get_absolute_url()).text
    record = as_steward.get(address("record_detail", 1))

    assert "What was recorded in July 2025 was archived" in story
    assert record.status_code == 200
    assert "with all of July 2025" in record.text
    assert "deed 1" in record.text
    assert as_steward.get(address("record_detail", 3)).status_code == 404


def test_a_stranger_sees_nothing_of_the_archive(as_reviewer, july, system, agent, reviewer):
    months_archive(actor=system)
    assert as_reviewer.get(address("record_detail", 1)).status_code == 404

    agent.owner = reviewer
    agent.save()
    assert as_reviewer.get(address("record_detail", 1)).status_code == 200


def test_an_archived_record_is_no_more_seen_outside_a_seats_period(
    as_auditor, auditor, july, system
):
    months_archive(actor=system)
    assert as_auditor.get(address("record_detail", 1)).status_code == 200

    for period in ({"period_from": date(2025, 7, 15)}, {"period_until": date(2025, 7, 13)}):
        Seat.objects.update(**{"period_from": None, "period_until": None, **period})
        assert as_auditor.get(address("record_detail", 1)).status_code == 404
    Seat.objects.update(period_from=date(2025, 7, 14), period_until=date(2025, 7, 14))
    assert as_auditor.get(address("record_detail", 1)).status_code == 200


def test_words_are_asked_for_and_erased_by_two(as_steward, steward, agent):
    records_come(2, whose=Whose(agent_id=agent.pk, agent=agent.name))
    record = address("record_detail", 1)
    assert address("erasure_new", 1) in as_steward.get(record).text

    asked = as_steward.post(address("erasure_new", 1), {"basis": "person", "reason": WHY})
    assert asked.status_code == 302
    erasure = Erasure.objects.get()
    assert "waits for another person" in as_steward.get(record).text
    mine = as_steward.get(erasure.get_absolute_url()).text
    assert "You asked for it, so another steward must decide." in mine
    allow = address("erasure_allow", erasure.pk)
    assert as_steward.post(allow, {"reason": WHY}).status_code == 403
    assert Payload.objects.filter(body=None).count() == 0

    other = another_steward()
    assert other.post(allow, {"reason": "Checked with the customer."}).status_code == 302

    assert Payload.objects.get(body=None).leaf_index == 1
    assert f"by approval {erasure.pk}" in as_steward.get(record).text
    words = as_steward.post(address("payload_open", 1)).text
    assert f"by approval {erasure.pk}" in words
    assert "word 1" not in words
    assert "verified now" in as_steward.get(record).text
    again = as_steward.post(address("erasure_new", 1), {"basis": "person", "reason": WHY})
    assert (again.status_code, "were erased already" in again.text) == (422, True)
    assert "Refund agent" in as_steward.get(address("erasure_list")).text


def test_an_erasure_that_waits_is_on_the_home_of_who_may_decide_it(as_steward, agent):
    records_come(2, whose=Whose(agent_id=agent.pk, agent=agent.name))
    other = another_steward()
    for leaf in (0, 1):
        as_steward.post(address("erasure_new", leaf), {"basis": "person", "reason": WHY})

    home = reverse("console:home")
    assert "2 erasures to approve or refuse" in other.get(home).text
    assert "to approve or refuse" not in as_steward.get(home).text  # who asked decides nothing

    other.post(address("erasure_deny", Erasure.objects.first().pk), {"reason": "Needed still."})
    page = other.get(home).text
    assert "1 erasure to approve or refuse" in page
    assert reverse("activity:erasure_list", query={"state": "asked"}) in page


def test_refused_and_taken_back_change_nothing(as_steward, agent):
    records_come(2, whose=Whose(agent_id=agent.pk, agent=agent.name))
    for leaf in (0, 1):
        as_steward.post(address("erasure_new", leaf), {"basis": "order", "reason": WHY})
    first, second = Erasure.objects.order_by("pk")

    another_steward().post(address("erasure_deny", first.pk), {"reason": "It is needed still."})
    as_steward.post(address("erasure_take_back", second.pk), {"reason": "A mistake of mine."})

    assert list(Erasure.objects.order_by("pk").values_list("state", flat=True)) == [
        "refused",
        "withdrawn",
    ]
    assert not Payload.objects.filter(body=None).exists()


def test_an_auditor_who_reads_words_may_ask(client, agent):
    records_come(1, whose=Whose(agent_id=agent.pk, agent=agent.name))
    sign_in(client, SeatFactory(sees_payloads=True).user)

    asked = client.post(address("erasure_new", 0), {"basis": "person", "reason": WHY})

    assert asked.status_code == 302
    allow = address("erasure_allow", Erasure.objects.get().pk)
    assert client.post(allow, {"reason": WHY}).status_code == 403


@pytest.mark.parametrize("count", [1, 12])
def test_pages_take_as_many_queries_however_much_there_is(
    as_steward, agent, monkeypatch, django_assert_max_num_queries, count
):
    for month in range(1, count + 1):
        moment = JULY.replace(year=2024, month=month)
        records_came(moment, 1, monkeypatch, whose=Whose(agent_id=agent.pk, agent=agent.name))
        as_steward.post(address("erasure_new", month - 1), {"basis": "person", "reason": WHY})

    with django_assert_max_num_queries(14):
        as_steward.get(address("kept"))
    with django_assert_max_num_queries(12):
        as_steward.get(address("erasure_list"))
