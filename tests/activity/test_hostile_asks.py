"""What nobody means well by: searches, days, and keys at the edge of what a page can ask."""

import pytest
from django.urls import reverse

from apps.activity.headers import Whose
from apps.activity.models import SavedSearch
from tests.activity.runs import keep, run, said
from tests.factories.inventory import CredentialFactory

pytestmark = pytest.mark.django_db

EDGES = [
    "before:9999-12-31",
    "before:0001-01-01",
    "after:0001-01-01T00:00+14:00",
    "after:9999-12-31T23:59-14:00",
]
ODD = [
    "action:'; drop table activity_event--",
    "action:%",
    "action:*",
    "action:\\",
    "agent:999999999999999999999999",
    "agent:\u0661",
    "address:<script>alert(1)</script>",
    "corr:{0af7651916cd43dd8448eb211c80319c}",
    "target:" + "x" * 490,
]


@pytest.fixture(autouse=True)
def kept(db):
    keep(*run(), whose=Whose())


def searched(client, text, **more):
    return client.get(reverse("activity:search", query={"q": text, **more}))


@pytest.mark.parametrize("text", EDGES)
@pytest.mark.parametrize("more", [{}, {"export": "csv"}, {"live": "1"}])
def test_a_time_at_the_end_of_the_calendar_is_named_as_unclear(as_steward, text, more):
    response = searched(as_steward, text, **more)

    assert response.status_code == 422
    assert "no record is of the year" in response.text


@pytest.mark.parametrize("text", ODD)
def test_an_odd_search_finds_nothing_or_says_why(as_steward, text):
    for more in ({}, {"from": "9" * 30}, {"from": str(2**63 - 1)}, {"live": "1"}):
        response = searched(as_steward, text, **more)
        assert response.status_code in {200, 422}
        assert "<script>alert" not in response.text


def test_a_nul_is_refused_in_an_address_and_in_what_is_saved(as_steward):
    save = reverse("activity:search_save")

    assert searched(as_steward, "action:a\0b").status_code == 400
    for name, text in (("mine", "action:a\0b"), ("mi\0ne", "action:a")):
        assert as_steward.post(save, {"name": name, "q": text}).status_code == 422
    assert not SavedSearch.objects.exists()


@pytest.mark.parametrize("since", ["9999-12-31", "0001-01-01", '"', "9999d", "2026-13-01"])
def test_a_credential_is_asked_about_since_any_day(as_steward, since):
    address = reverse("activity:credential_use", args=[CredentialFactory().pk])

    assert as_steward.get(address, {"since": since}).status_code in {200, 422}


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
@pytest.mark.parametrize("name", ["invocation_list", "call_list", "deed_list", "erasure_list"])
def test_a_list_leaves_an_impossible_day_aside_and_says_so(as_steward, name, day):
    asked = {"agent": "1", "since": day, "until": day}

    response = as_steward.get(reverse(f"activity:{name}"), asked)

    assert response.status_code == 200
    refusals = response.context["listing"].refusals
    assert [one.partition(": ")[2] for one in refusals] == ["No record is of that day."] * 2


@pytest.mark.parametrize("leaf", [2**31, 2**63, 2**80])
def test_a_record_that_there_is_none_of_is_not_found(as_steward, leaf):
    for name in ("record_detail", "erasure_new"):
        assert as_steward.get(reverse(f"activity:{name}", args=[leaf])).status_code == 404
    address = reverse("activity:payload_open", args=[leaf])
    assert as_steward.post(address).status_code == 404


def test_a_file_of_a_search_runs_nothing_in_a_spreadsheet(as_steward):
    keep(said("action", "=HYPERLINK(1)", target="@SUM(1)", lasting=1), whose=Whose())

    lines = searched(as_steward, "action:=*", export="csv").getvalue().decode().splitlines()

    assert len(lines) == 2
    assert "'=HYPERLINK(1)" in lines[1]
    assert "'@SUM(1)" in lines[1]


def test_a_search_is_forgotten_only_by_a_post(as_steward):
    as_steward.post(reverse("activity:search_save"), {"name": "mine", "q": "kind:api"})
    forget = reverse("activity:search_forget", args=[SavedSearch.objects.get().pk])

    assert as_steward.get(forget).status_code == 405
    assert SavedSearch.objects.exists()
    assert as_steward.post(forget).status_code == 302
    assert not SavedSearch.objects.exists()
