from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from tests.factories.accounts import SeatFactory, UserFactory
from tests.signing_in import sign_in


def test_each_page_an_auditor_opens_is_an_entry(as_auditor, auditor):
    as_auditor.get(f"{reverse('accounts:person_list')}?q=head")
    as_auditor.get(reverse("accounts:team_list"))

    entries = AuditEntry.objects.filter(verb=Verb.PAGE_OPENED).order_by("pk")
    pages = [entry.changes["page"][1] for entry in entries]
    assert pages == ["/settings/people/?q=head", "/settings/teams/"]
    assert {entry.target_id for entry in entries} == {auditor.seat.pk}
    assert {entry.actor_id for entry in entries} == {auditor.pk}


def test_each_file_an_auditor_takes_away_is_an_entry_with_its_number_of_rows(as_auditor):
    UserFactory.create_batch(2)

    response = as_auditor.get(f"{reverse('accounts:person_list')}?export=csv")
    lines = b"".join(response.streaming_content).splitlines()

    entry = AuditEntry.objects.get()
    assert entry.verb == Verb.ROWS_EXPORTED
    assert entry.changes == {"page": [None, "/settings/people/?export=csv"], "rows": [None, 3]}
    assert len(lines) == 1 + 3


def test_a_region_of_a_page_is_no_page(as_auditor, htmx):
    as_auditor.get(reverse("accounts:person_list"), headers=htmx("listing"))

    assert not AuditEntry.objects.exists()


def test_a_boosted_link_opens_a_page(as_auditor):
    boosted = {"HX-Request": "true", "HX-Boosted": "true", "HX-Target": "main"}

    as_auditor.get(reverse("accounts:person_list"), headers=boosted)

    assert AuditEntry.objects.get().verb == Verb.PAGE_OPENED


def test_what_an_auditor_may_not_see_is_not_recorded_as_read(as_auditor):
    response = as_auditor.get(reverse("notices:notice_list"))

    assert response.status_code == 403
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("who", ["as_steward", "as_reviewer"])
def test_nobody_elses_reading_is_recorded(who, request):
    request.getfixturevalue(who).get(reverse("accounts:person_list"))

    assert not AuditEntry.objects.exists()


def test_an_ended_seat_shows_one_page_that_says_so(client, db):
    seat = SeatFactory(ends_on=timezone.localdate() - timedelta(days=1))
    sign_in(client, seat.user)

    response = client.get(reverse("accounts:person_list"))

    assert response.status_code == 403
    assert b"Your seat as auditor ended on" in response.content


def test_no_role_shows_one_page_that_says_so(client, db):
    sign_in(client, UserFactory(nobody=True))

    response = client.get(reverse("accounts:person_list"))

    assert response.status_code == 403
    assert b"no role yet" in response.content


def test_a_request_id_from_outside_counts_only_where_it_is_trusted(client, settings, db):
    given = {"X-Request-ID": "from-the-proxy-1"}
    own = client.get("/healthz", headers=given)["X-Request-ID"]

    settings.TRUST_REQUEST_ID = True
    trusted = client.get("/healthz", headers=given)["X-Request-ID"]
    odd = client.get("/healthz", headers={"X-Request-ID": "a b\t<script>"})["X-Request-ID"]

    assert own != "from-the-proxy-1"
    assert trusted == "from-the-proxy-1"
    assert len(odd) == 32


def test_the_link_of_an_invitation_is_not_logged(client, db, caplog):
    with caplog.at_level("INFO"):
        client.get(reverse("accounts:invitation_open", args=["a" * 64]))

    assert "a" * 64 not in caplog.text
