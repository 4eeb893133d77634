from pathlib import Path

import allauth
import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.urls import reverse

from apps.accounts.adapters import CHANGES_OF_PROOF
from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from tests.factories.accounts import UserFactory
from tests.signing_in import authenticator_code, sign_in

PASSWORD = "correct horse battery"


@pytest.fixture
def person(db):
    cache.clear()
    made = UserFactory(steward=True)
    made.set_password(PASSWORD)
    made.save()
    yield made
    cache.clear()


def test_the_address_and_password_sign_in_and_are_recorded(client, person):
    response = _try(client, person.email.upper(), PASSWORD)

    assert response.status_code == 302
    entry = AuditEntry.objects.get(verb=Verb.SIGNED_IN)
    assert entry.actor == person
    assert entry.changes == {"by": [None, "password"]}


def test_a_wrong_password_says_nothing_of_who_exists(client, person):
    known = _try(client, person.email, "wrong")
    unknown = _try(client, "nobody@example.com", "wrong")

    assert known.status_code == unknown.status_code == 200
    assert known.context["form"].errors == unknown.context["form"].errors


@pytest.mark.django_db(transaction=True)
def test_guessing_is_slowed_down(client, person):
    for _ in range(5):
        _try(client, person.email, "wrong")

    refused = _try(client, person.email, PASSWORD)

    assert b"Too many failed login attempts" in refused.content
    assert not AuditEntry.objects.exclude(verb=Verb.SIGN_IN_FAILED).exists()


@pytest.mark.django_db(transaction=True)
def test_an_address_that_guesses_is_slowed_down_whatever_it_says_of_itself(client, db):
    for number in range(10):
        _try(
            client, f"nobody-{number}@example.com", "wrong", {"X-Forwarded-For": f"10.0.0.{number}"}
        )

    refused = _try(client, "nobody-11@example.com", "wrong", {"X-Forwarded-For": "10.0.0.11"})

    assert b"Too many failed login attempts" in refused.content


def test_sign_up_is_closed(client, db):
    response = client.get(reverse("account_signup"))

    assert b"password1" not in response.content


def test_a_deactivated_person_does_not_sign_in(client, person):
    person.is_active = False
    person.deactivated_at = person.date_joined
    person.save()

    _try(client, person.email, PASSWORD)

    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.target_id) == (Verb.SIGN_IN_FAILED, person.pk)
    assert entry.changes == {"by": [None, "deactivated account"]}


def test_changing_the_password_is_recorded(client, person):
    sign_in(client, person)

    client.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": "another-long-one", "password2": "another-long-one"},
    )

    person.refresh_from_db()
    assert person.check_password("another-long-one")
    entry = AuditEntry.objects.get(verb=Verb.PASSWORD_CHANGED)
    assert (entry.actor, entry.changes) == (person, {"how": [None, "knew the old one"]})
    assert "another-long-one" not in str(entry.__dict__)


@pytest.mark.django_db(transaction=True)
def test_a_second_factor_that_comes_and_goes_is_recorded(client, person):
    EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)
    _try(client, person.email, PASSWORD)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    form = client.get(reverse("mfa_activate_totp"), follow=True)
    assert form.redirect_chain == []
    secret = client.session["mfa.totp.secret"]

    client.post(reverse("mfa_activate_totp"), {"code": authenticator_code(secret)})
    client.post(reverse("mfa_deactivate_totp"))

    told = AuditEntry.objects.exclude(verb=Verb.SIGNED_IN).order_by("pk")
    told = told.values_list("verb", "changes__how__1")
    assert list(told) == [
        (Verb.FACTOR_ADDED, "authenticator app"),
        (Verb.FACTOR_REMOVED, "authenticator app"),
    ]


def test_every_notice_of_a_change_to_signing_in_has_its_verb():
    known = set(CHANGES_OF_PROOF)
    folders = Path(allauth.__file__).parent / "templates"
    named = {
        path.relative_to(folders).as_posix().removesuffix("_subject.txt")
        for app in ("account", "mfa", "socialaccount")
        for path in (folders / app / "email").glob("*_subject.txt")
    }

    assert known <= named
    assert {one for one in named - known if one.startswith(("mfa/", "socialaccount/"))} == set()


def _try(client, email, password, headers=None):
    fields = {"login": email, "password": password}
    return client.post(reverse("account_login"), fields, headers=headers)
