"""Signing in at a real OpenID Connect provider on this machine."""

import time
from urllib.parse import parse_qs, urlsplit

import oidc_provider_mock
import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from django.core.cache import cache
from django.urls import reverse
from oidc_provider_mock import User as Account

from apps.accounts.models import User
from apps.accounts.states import InvitationState
from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.core.actors import Role
from config import env
from tests.factories.accounts import InvitationFactory, UserFactory

NAMED = {"email": "guest@example.com", "email_verified": True, "name": "Head of claims"}


@pytest.fixture(scope="module")
def provider():
    accounts = [
        Account(sub="guest", claims=NAMED),
        Account(sub="unproven", claims={**NAMED, "email_verified": False}),
    ]
    with oidc_provider_mock.run_server_in_thread(user_claims=accounts) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture(autouse=True)
def configured(provider, settings, monkeypatch, db):
    cache.clear()
    monkeypatch.setenv("OIDC_ISSUER", provider)
    monkeypatch.setenv("OIDC_CLIENT_ID", "countersign")
    monkeypatch.setenv("OIDC_CLIENT_SECRET", "any")
    monkeypatch.setenv("OIDC_NAME", "Example SSO")
    settings.SOCIALACCOUNT_PROVIDERS = env.openid_connect()


def test_the_sign_in_page_offers_the_provider(client):
    page = client.get(reverse("account_login"))

    assert b"Example SSO" in page.content


def test_a_stranger_is_refused(client):
    response = _sign_in(client)

    assert response.status_code == 200
    assert not User.objects.exists()


def test_an_allowed_domain_comes_in_without_a_role_and_sees_one_page(client, settings):
    settings.OIDC_ALLOWED_DOMAINS = ["example.com"]

    _sign_in(client)

    person = User.objects.get()
    home = client.get("/")
    assert (person.role, person.display_name) == ("", "Head of claims")
    assert home.status_code == 403
    assert b"no role yet" in home.content
    assert AuditEntry.objects.filter(verb=Verb.PERSON_CREATED, target_id=person.pk).exists()


def test_an_address_the_provider_does_not_vouch_for_is_refused(client, settings):
    settings.OIDC_ALLOWED_DOMAINS = ["example.com"]

    _sign_in(client, "unproven")

    assert not User.objects.exists()


def test_an_invited_person_gets_what_the_invitation_promises(client):
    invitation = InvitationFactory(email="guest@example.com", role=Role.STEWARD)

    _sign_in(client)

    invitation.refresh_from_db()
    person = User.objects.get(email="guest@example.com")
    assert person.role == Role.STEWARD
    assert (invitation.state, invitation.accepted_by) == (InvitationState.ACCEPTED, person)
    assert client.get("/").status_code == 200


def test_somebody_known_by_their_address_is_let_in(client):
    person = UserFactory(email="guest@example.com")

    _sign_in(client)

    entry = AuditEntry.objects.get(verb=Verb.SIGNED_IN)
    assert entry.actor == person
    assert entry.changes == {"by": [None, "identity provider"]}


def test_somebody_deactivated_is_not_let_in(client, steward):
    person = UserFactory(email="guest@example.com")
    person.is_active, person.deactivated_at = False, person.date_joined
    person.save()

    _sign_in(client)

    assert not AuditEntry.objects.filter(verb=Verb.SIGNED_IN).exists()


@pytest.mark.django_db(transaction=True)  # two sign-ins, each of its own
def test_a_dangerous_act_asks_the_provider_for_a_fresh_sign_in(client):
    _steward_of_the_provider(client)
    url = reverse("accounts:policy_change", args=["write_grant_days"])
    assert client.get(url).status_code == 200  # signed in a moment ago

    _age(client)
    asked = client.get(client.get(url).headers["Location"])
    link = asked.context["providers"][0]["url"]
    sent = client.get(link).headers["Location"]

    query = parse_qs(urlsplit(sent).query)
    assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
    back = client.get(_authorize(sent, "guest"))
    assert back.headers["Location"] == url
    assert client.get(url).status_code == 200


def test_a_round_trip_without_proof_at_the_provider_is_not_fresh(client):
    _steward_of_the_provider(client)
    url = reverse("accounts:policy_change", args=["write_grant_days"])

    account = SocialAccount.objects.get()
    account.extra_data["id_token"]["auth_time"] = int(time.time()) - 3600
    account.save()

    assert client.get(url).status_code == 302


def test_a_stolen_session_cannot_add_a_passkey_of_its_own(client):
    _steward_of_the_provider(client)
    _age(client)

    response = client.get(reverse("mfa_add_webauthn"))

    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("accounts:sign_in_again"))


def _steward_of_the_provider(client):
    person = UserFactory(email="guest@example.com", steward=True)
    person.set_unusable_password()
    person.save()
    _sign_in(client)


def _age(client):
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 3600
    session.save()


def _sign_in(client, sub="guest"):
    sent = client.get(reverse("openid_connect_login", args=["sso"])).headers["Location"]
    return client.get(_authorize(sent, sub))


def _authorize(address, sub):
    answer = requests.post(address, data={"sub": sub}, allow_redirects=False, timeout=10)
    return answer.headers["Location"]
