"""What the record keeps of those who could not prove who they are."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from tests.factories.accounts import UserFactory
from tests.signing_in import sign_in

PASSWORD = "correct horse battery"
MISTYPED = "correct horse batery"


@pytest.fixture
def person(db):
    cache.clear()
    made = UserFactory(steward=True, display_name="Head of support")
    made.set_password(PASSWORD)
    made.save()
    EmailAddress.objects.create(user=made, email=made.email, primary=True, verified=True)
    yield made
    cache.clear()


def _try(client, email, password):
    return client.post(reverse("account_login"), {"login": email, "password": password})


def _failures():
    return AuditEntry.objects.filter(verb=Verb.SIGN_IN_FAILED).order_by("pk")


def _told():
    return [(entry.target_label, entry.changes["by"][1]) for entry in _failures()]


def test_a_wrong_password_is_recorded_of_the_person_and_not_as_theirs(client, person):
    _try(client, person.email.upper(), MISTYPED)

    entry = _failures().get()
    assert (entry.target_type, entry.target_id) == ("accounts.user", person.pk)
    assert (entry.actor, entry.actor_label, entry.channel) == (None, "Somebody", "web")
    assert entry.request_id
    assert _told() == [("Head of support", "password")]


def test_neither_a_password_nor_an_address_that_nobody_has_is_kept(client, person):
    _try(client, person.email, MISTYPED)
    _try(client, "correct-horse@battery.example", MISTYPED)

    kept = str(list(AuditEntry.objects.values()))
    assert _told() == [("Head of support", "password"), ("an unknown address", "password")]
    assert "batery" not in kept
    assert "battery" not in kept


@pytest.mark.django_db(transaction=True)
def test_what_the_limits_on_sign_in_refuse_is_not_recorded_again(client, person):
    for _ in range(9):
        _try(client, person.email, MISTYPED)

    assert _failures().count() == 5


@pytest.mark.django_db(transaction=True)
def test_of_one_person_ten_failures_an_hour_are_recorded(client, person, settings):
    settings.ACCOUNT_RATE_LIMITS = {
        **settings.ACCOUNT_RATE_LIMITS,
        "login": "1000/m/ip",
        "login_failed": "1000/m/ip",
    }
    for _ in range(13):
        _try(client, person.email, MISTYPED)
    for number in range(23):
        _try(client, f"nobody-{number}@example.com", MISTYPED)

    told = _told()
    assert told.count(("Head of support", "password")) == 10
    assert told.count(("an unknown address", "password")) == 20


@pytest.mark.django_db(transaction=True)
def test_a_wrong_second_factor_is_recorded_and_the_right_one_signs_in(client, person):
    TOTP.activate(person, generate_totp_secret())
    _try(client, person.email, PASSWORD)

    refused = client.post(reverse("mfa_authenticate"), {"code": "000000x"})

    assert refused.status_code == 200
    assert _told() == [("Head of support", "second factor")]
    assert not AuditEntry.objects.filter(verb=Verb.SIGNED_IN).exists()
    assert "000000x" not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize("made_up", ['{"id": "x"}', '{"rawId": 5}', "[1]", "5", '{"response": 5}'])
def test_a_passkey_that_says_nothing_true_is_recorded(client, person, made_up):
    refused = client.post(reverse("mfa_login_webauthn"), {"credential": made_up})

    assert refused.status_code == 302
    assert _told() == [("an unknown address", "passkey")]


def test_a_fresh_sign_in_that_fails_is_recorded(client, person):
    sign_in(client, person)

    client.post(reverse("account_reauthenticate"), {"password": MISTYPED})

    assert _told() == [("Head of support", "password")]


def test_the_trail_shows_failures_and_leads_to_no_page_of_nobody(client, as_steward, person):
    as_steward.logout()
    _try(client, person.email, MISTYPED)
    _try(client, "nobody@example.com", MISTYPED)
    sign_in(client, person)
    known, unknown = _failures()

    found = client.get(reverse("console:record_list"), {"verb": Verb.SIGN_IN_FAILED})
    of_person = client.get(reverse("console:record_detail", args=[known.pk]))
    of_nobody = client.get(reverse("console:record_detail", args=[unknown.pk]))
    story = client.get(reverse("console:record_timeline", args=["accounts.user", 0]))

    assert found.context["listing"].count.value == 2
    assert "Somebody failed to sign in as" in of_person.text
    assert "Countersign itself" not in of_person.text
    assert person.get_absolute_url() in of_person.text
    assert reverse("accounts:person_detail", args=[0]) not in of_nobody.text + story.text
    assert "an unknown address" in story.text
    assert Authenticator.objects.count() == 0
