from datetime import UTC, datetime

import pytest
from django.urls import reverse

from apps.accounts.links import invitation_token
from apps.accounts.models import Invitation, Team, User
from apps.accounts.services import people
from apps.accounts.services.invitations import person_invite
from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.core.actors import Role, System
from tests.factories.accounts import SeatFactory, TeamFactory, UserFactory
from tests.signing_in import sign_in

PAGES = ["settings", "person_list", "team_list", "policy_list", "profile"]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("who", ["as_steward", "as_reviewer", "as_auditor"])
def test_everybody_with_a_role_opens_the_places_of_settings(name, who, request):
    client = request.getfixturevalue(who)

    assert client.get(reverse(f"accounts:{name}")).status_code == 200


def test_a_steward_invites_somebody_from_the_list(as_steward, mailoutbox):
    response = as_steward.post(
        reverse("accounts:person_invite"),
        {"email": "New.Person@Example.com", "display_name": "Head of support", "role": "reviewer"},
    )

    assert response.status_code == 302
    page = as_steward.get(reverse("accounts:person_list"))
    assert b"new.person@example.com" in page.content


def test_inviting_a_colleague_twice_says_so_on_the_form(as_steward, reviewer):
    response = as_steward.post(
        reverse("accounts:person_invite"),
        {"email": reviewer.email, "display_name": "Again", "role": "reviewer"},
    )

    assert response.status_code == 422
    assert b"is here already" in response.content


def test_a_reviewer_sees_the_invite_button_disabled_with_its_reason(as_reviewer):
    page = as_reviewer.get(reverse("accounts:person_list"))

    assert b"Only a steward may invite people." in page.content
    assert reverse("accounts:person_invite").encode() not in page.content


def test_a_person_page_offers_a_steward_each_act_or_its_reason(as_steward, steward):
    page = as_steward.get(steward.get_absolute_url())

    assert b"You cannot change your own role." in page.content
    assert b"You cannot deactivate yourself." in page.content


def test_an_auditor_page_shows_their_seat(as_steward):
    seat = SeatFactory(limited_to_systems=True)

    page = as_steward.get(seat.user.get_absolute_url())

    assert b"Auditor&#x27;s seat" in page.content or b"Auditor's seat" in page.content


def test_a_team_page_lists_its_people(as_reviewer):
    team = TeamFactory(name="Support")
    UserFactory(display_name="Clerk of support", team=team)

    page = as_reviewer.get(team.get_absolute_url())

    assert b"Clerk of support" in page.content


def test_a_steward_makes_and_changes_a_team(as_steward, reviewer):
    made = as_steward.post(reverse("accounts:team_create"), {"name": "Billing"})
    team_url = made.headers["Location"]
    changed = as_steward.post(
        f"{team_url}change/", {"name": "Billing", "manager": reviewer.pk, "reason": "Named"}
    )

    assert changed.status_code == 302
    assert str(reviewer).encode() in as_steward.get(team_url).content


def test_changing_a_policy_asks_for_a_fresh_sign_in(client, steward):
    sign_in(client, steward, seconds_ago=600)
    url = reverse("accounts:policy_change", args=["write_grant_days"])

    response = client.get(url)

    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("accounts:sign_in_again"))
    assert "write_grant_days" in response.headers["Location"]


def test_inviting_and_naming_a_manager_ask_for_a_fresh_sign_in(client, steward, reviewer):
    team = TeamFactory(name="Support")
    sign_in(client, steward, seconds_ago=600)

    invited = client.post(
        reverse("accounts:person_invite"),
        {"email": "thief@example.com", "display_name": "Thief", "role": "steward"},
    )
    named = client.post(
        reverse("accounts:team_change", args=[team.pk]),
        {"name": "Support", "manager": reviewer.pk, "reason": "Because"},
    )

    for answer in (invited, named):
        assert answer.headers["Location"].startswith(reverse("accounts:sign_in_again"))
    assert not Invitation.objects.exists()
    assert Team.objects.get().manager != reviewer


def test_a_dialog_that_needs_a_fresh_sign_in_sends_the_browser_there(client, steward, htmx):
    sign_in(client, steward, seconds_ago=600)

    response = client.get(
        reverse("accounts:policy_change", args=["write_grant_days"]), headers=htmx("dialog")
    )

    assert reverse("accounts:sign_in_again") in response.headers["HX-Redirect"]


def test_signing_in_again_leads_to_the_password_and_back(client, steward):
    steward.set_password("correct horse battery")
    steward.save()
    sign_in(client, steward, seconds_ago=600)
    url = reverse("accounts:policy_change", args=["write_grant_days"])

    again = client.get(client.get(url).headers["Location"])
    back = client.post(again.headers["Location"], {"password": "correct horse battery"})

    assert back.status_code == 302
    assert back.headers["Location"] == url
    assert client.get(url).status_code == 200


def test_a_changed_policy_shows_and_is_recorded(as_steward):
    url = reverse("accounts:policy_change", args=["write_grant_days"])

    response = as_steward.post(url, {"value": 60, "reason": "Shorter is safer"})

    assert response.status_code == 302
    assert b"<b>60</b>" in as_steward.get(reverse("accounts:policy_list")).content
    entry = AuditEntry.objects.get(verb=Verb.SETTING_CHANGED)
    assert (entry.changes, entry.reason) == ({"value": [90, 60]}, "Shorter is safer")


def test_a_policy_out_of_bounds_is_refused_on_the_form(as_steward):
    url = reverse("accounts:policy_change", args=["write_grant_days"])

    response = as_steward.post(url, {"value": 4000, "reason": "Longer"})

    assert response.status_code == 422
    assert b"Between 1 and 365 days." in response.content


def test_people_change_their_own_name_and_time_zone(as_reviewer, reviewer):
    response = as_reviewer.post(
        reverse("accounts:profile"),
        {"display_name": "Head of claims", "time_zone": "Europe/Berlin"},
    )

    reviewer.refresh_from_db()
    assert response.status_code == 302
    assert (reviewer.display_name, reviewer.time_zone) == ("Head of claims", "Europe/Berlin")


def test_times_are_shown_in_the_readers_zone(as_steward, steward, reviewer):
    steward.time_zone = "Asia/Tokyo"
    steward.save()
    reviewer.is_active = False
    reviewer.deactivated_at = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
    reviewer.save()

    page = as_steward.get(reviewer.get_absolute_url())

    assert b"2 Mar 2026, 05:00:00 JST" in page.content


def test_nobody_adds_an_address_of_their_own(as_reviewer):
    response = as_reviewer.get(reverse("account_email"))

    assert response.status_code == 302


def test_an_invitation_opens_an_account_once(client, db):
    invitation = _invite()
    url = _link(invitation)
    form = {
        "display_name": "Head of support",
        "time_zone": "Europe/Paris",
        "password": "a long enough phrase",
        "password_again": "a long enough phrase",
    }

    opened = client.get(url)
    accepted = client.post(url, form)
    again = client.get(url)

    assert opened.status_code == 200
    assert accepted.headers["Location"] == reverse("account_login")
    assert again.status_code == 410
    assert User.objects.get(email=invitation.email).role == Role.REVIEWER


def test_a_weak_password_is_refused_with_its_reason(client, db):
    url = _link(_invite())
    form = {
        "display_name": "Head of support",
        "time_zone": "UTC",
        "password": "password1234",
        "password_again": "password1234",
    }

    response = client.post(url, form)

    assert response.status_code == 422
    assert b"too common" in response.content


def test_a_made_up_link_opens_nothing(client, db):
    assert client.get(reverse("accounts:invitation_open", args=["0" * 64])).status_code == 410


def test_a_steward_withdraws_an_invitation(as_steward, client):
    invitation = _invite()
    url = reverse("accounts:invitation_withdraw", args=[invitation.pk])

    response = as_steward.post(url, {"reason": "Wrong address"})

    assert response.status_code == 302
    assert client.get(_link(invitation)).status_code == 410


def test_somebody_deactivated_is_signed_out_at_once_and_stays_out(as_reviewer, reviewer, steward):
    url = reverse("accounts:person_list")
    assert as_reviewer.get(url).status_code == 200

    people.person_deactivate(person_id=reviewer.pk, reason="Left", actor=System("test"))
    gone = as_reviewer.get(url)
    people.person_reactivate(person_id=reviewer.pk, reason="Came back", actor=System("test"))

    assert gone.status_code == 302
    assert as_reviewer.get(url).status_code == 302


def _invite() -> Invitation:
    return person_invite(
        email="support@example.com",
        display_name="Head of support",
        role=Role.REVIEWER,
        actor=System("test"),
    )


def _link(invitation: Invitation) -> str:
    return reverse("accounts:invitation_open", args=[invitation_token(invitation.seed)])


@pytest.mark.django_db
def test_inviting_somebody_asks_for_a_fresh_sign_in(client, steward):
    sign_in(client, steward, seconds_ago=400)

    response = client.post(
        reverse("accounts:person_invite"), {"email": "new@example.com", "role": "steward"}
    )

    assert response["Location"].startswith("/settings/sign-in-again/")
    assert not Invitation.objects.exists()
