import pytest
from django.core.cache import cache
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from tests.factories.accounts import UserFactory

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


def test_guessing_is_slowed_down(client, person):
    for _ in range(5):
        _try(client, person.email, "wrong")

    refused = _try(client, person.email, PASSWORD)

    assert b"Too many failed login attempts" in refused.content
    assert not AuditEntry.objects.exists()


def test_sign_up_is_closed(client, db):
    response = client.get(reverse("account_signup"))

    assert b"password1" not in response.content


def test_a_deactivated_person_does_not_sign_in(client, person):
    person.is_active = False
    person.deactivated_at = person.date_joined
    person.save()

    _try(client, person.email, PASSWORD)

    assert not AuditEntry.objects.exists()


def _try(client, email, password):
    return client.post(reverse("account_login"), {"login": email, "password": password})
