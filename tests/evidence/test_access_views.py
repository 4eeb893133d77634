"""The doors to packages of requests, and where those are found."""

import pytest
from django.urls import reverse

from apps.evidence import tasks
from apps.evidence.models import Package
from apps.inventory.models import SeatSystem
from tests.approvals.conftest import company, policy  # noqa: F401  (fixtures)
from tests.evidence.access import build_period, build_request
from tests.evidence.scenario import build, review_over
from tests.evidence.test_access_packages import today
from tests.factories.inventory import SystemFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

LIST = reverse("evidence:package_list")
PERIOD = reverse("evidence:period_package_create")


def door(request) -> str:
    return reverse("evidence:request_package_create", args=[request.pk])


def test_the_page_of_a_request_offers_its_export_to_those_who_may(
    company,  # noqa: F811
    policy,  # noqa: F811
    as_steward,
    as_auditor,
):
    request = company.submit()

    for reader in (as_steward, as_auditor):
        assert door(request) in reader.get(request.get_absolute_url()).content.decode()
    sign_in(as_steward, company.owner)
    assert door(request) not in as_steward.get(request.get_absolute_url()).content.decode()
    assert as_steward.post(door(request)).status_code == 403


def test_exporting_a_request_leads_to_its_package(company, policy, as_auditor, auditor):  # noqa: F811
    request = company.submit()
    assert "still open: 1" in as_auditor.get(door(request)).content.decode()

    response = as_auditor.post(door(request))

    package = Package.objects.get()
    assert response.headers["Location"] == package.get_absolute_url()
    assert (package.request, package.requested_by) == (request, auditor)
    assert package.status == "Not built yet"
    assert tasks.build_package(package.job_id) == 1
    page = as_auditor.get(package.get_absolute_url()).content.decode()
    assert "RESULT every claim holds" in page
    assert request.get_absolute_url() in page
    assert "Draw a sample" not in page
    assert "Not everything in it was over when it was built." in page


def test_a_failed_build_leads_back_to_the_same_door(company, policy, as_steward):  # noqa: F811
    request = company.submit()
    request.notes.create(kind="joined", text="Nobody recorded this.", author_label="somebody")
    as_steward.post(door(request))
    as_steward.post(PERIOD, {"since": today(), "until": today(), "system": company.system.pk})
    one, two = Package.objects.order_by("pk")

    for package in (one, two):
        assert tasks.build_package(package.job_id) == 0

    assert door(request) in as_steward.get(one.get_absolute_url()).content.decode()
    again = f"{PERIOD}?since={today()}&amp;until={today()}&amp;system={company.system.pk}"
    assert again in as_steward.get(two.get_absolute_url()).content.decode()


def test_a_period_is_exported_from_a_form_that_says_what_is_wrong(company, policy, as_steward):  # noqa: F811
    wrong = as_steward.post(PERIOD, {"since": "2026-03-31", "until": "2026-01-01"})
    future = as_steward.post(PERIOD, {"since": "2126-01-01", "until": "2126-01-02"})
    right = as_steward.post(PERIOD, {"since": "2026-01-01", "until": "2026-03-31"})

    assert (wrong.status_code, future.status_code) == (422, 422)
    assert "ends before it begins" in wrong.content.decode()
    assert "has not begun yet" in future.content.decode()
    package = Package.objects.get()
    assert right.headers["Location"] == package.get_absolute_url()
    assert package.about == "Requests of 2026-01-01 to 2026-03-31"


def test_an_auditor_limited_to_systems_names_one_of_them(company, policy, as_auditor, auditor):  # noqa: F811
    SystemFactory(name="Vault")
    SeatSystem.objects.create(seat=auditor.seat, system=company.system)
    auditor.seat.limited_to_systems = True
    auditor.seat.period_from = today()
    auditor.seat.save()
    days = {"since": today(), "until": today()}

    form = as_auditor.get(PERIOD).content.decode()
    assert "CRM" in form
    assert "Vault" not in form
    assert as_auditor.post(PERIOD, days).status_code == 422
    early = as_auditor.post(PERIOD, {**days, "since": "2026-01-01", "system": company.system.pk})
    assert "reaches beyond that of your seat" in early.content.decode()
    done = as_auditor.post(PERIOD, {**days, "system": company.system.pk})
    assert done.headers["Location"] == Package.objects.get().get_absolute_url()


def test_the_list_shows_every_kind_and_finds_by_it(
    company,  # noqa: F811
    policy,  # noqa: F811
    as_steward,
    steward,
    django_assert_max_num_queries,
):
    request = company.submit()
    campaign = build(review_over(steward=steward))
    asked = build_request(request, steward)
    period = build_period(today(), today(), steward, company.system)
    everything = {campaign, asked, period}

    def shown(**query):
        page = as_steward.get(LIST, query).content.decode()
        return {one for one in everything if f'href="{one.get_absolute_url()}"' in page}

    assert shown() == everything
    assert shown(subject="campaign") == {campaign}
    assert shown(subject="request") == {asked}
    assert shown(subject="period") == {period}
    assert shown(q="CRM") == {asked, period}
    assert shown(q="quarterly") == {campaign}
    assert shown(request=request.pk) == {asked}
    build_request(request, steward)
    with django_assert_max_num_queries(9):
        page = as_steward.get(LIST).content.decode()
    assert f"Requests of {today()} to {today()} on CRM" in page
    exported = as_steward.get(LIST, {"export": "csv"})
    assert f"Requests of {today()}" in b"".join(exported.streaming_content).decode()


def test_packages_about_the_same_stand_beside_each_other(company, policy, as_steward, steward):  # noqa: F811
    request, other = company.submit(), company.submit(resources=["other"])
    one, two = (build_request(request, steward) for _ in range(2))
    third = build_request(other, steward)
    period = build_period(today(), today(), steward)
    of_system = build_period(today(), today(), steward, company.system)

    page = as_steward.get(one.get_absolute_url()).content.decode()

    assert two.get_absolute_url() in page
    assert third.get_absolute_url() not in page
    assert (
        of_system.get_absolute_url()
        not in as_steward.get(period.get_absolute_url()).content.decode()
    )
