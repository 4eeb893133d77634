"""Signing in, in a real browser: password, second factor, passkey, invitation, single sign-on."""

import oidc_provider_mock
import pytest
from django.core.cache import cache
from django.urls import reverse
from oidc_provider_mock import User as Account
from playwright.sync_api import expect

from apps.accounts.links import invitation_token
from apps.accounts.models import User
from apps.core.actors import Role
from config import env
from tests.factories.accounts import InvitationFactory, UserFactory
from tests.signing_in import authenticator_code

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def settled(page):
    """Let the page's last request end, so that no connection outlives the database."""
    yield
    page.wait_for_load_state("networkidle")


@pytest.fixture
def person(transactional_db):
    cache.clear()
    made = UserFactory(steward=True, display_name="Head of IT")
    made.set_password(PASSWORD)
    made.save()
    return made


def test_password_and_then_an_authenticator_app(page, live_server, person, silent_console):
    _enter(page, live_server, person)
    page.goto(f"{live_server.url}{reverse('mfa_activate_totp')}")
    _prove(page)
    secret = page.locator("#authenticator_secret").input_value()
    page.get_by_label("code").fill(authenticator_code(secret))
    page.get_by_role("button", name="Activate").click()
    page.wait_for_url(lambda url: "activate" not in url)
    _leave(page)

    _enter(page, live_server, person)
    page.get_by_label("code").fill(authenticator_code(secret))
    page.get_by_role("button", name="Sign In").click()

    expect(page.get_by_text("Head of IT").first).to_be_visible()


def test_a_passkey_signs_in_without_a_password(page, live_server, person, silent_console):
    _authenticator(page)
    _enter(page, live_server, person)
    page.goto(f"{live_server.url}{reverse('mfa_add_webauthn')}")
    _prove(page)
    page.get_by_label("name").fill("Laptop")
    page.get_by_label("Passwordless").check()
    page.locator("#mfa_webauthn_add").click()
    page.wait_for_url(lambda url: "add" not in url)
    _leave(page)

    page.goto(f"{live_server.url}{reverse('account_login')}")
    page.get_by_role("button", name="Sign in with a passkey").click()

    expect(page.get_by_text("Head of IT").first).to_be_visible()


def test_an_invited_person_makes_an_account_and_signs_in(
    page, live_server, transactional_db, silent_console
):
    cache.clear()
    invitation = InvitationFactory(display_name="Head of support")
    path = reverse("accounts:invitation_open", args=[invitation_token(invitation.seed)])

    page.goto(f"{live_server.url}{path}")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Make my account").click()
    expect(page.get_by_text("Your account is ready.")).to_be_visible()
    _fill(page, invitation.email)

    expect(page.get_by_text("Head of support").first).to_be_visible()
    assert User.objects.get(email=invitation.email).role == Role.REVIEWER


def test_the_last_steward_sees_why_their_role_stays(
    page, live_server, signed_in, person, silent_console
):
    signed_in(person)

    page.goto(f"{live_server.url}{person.get_absolute_url()}")

    expect(page.get_by_text("You cannot change your own role.")).to_be_visible()
    expect(page.get_by_text("You cannot deactivate yourself.")).to_be_visible()


def test_an_invited_person_comes_by_single_sign_on(
    page, live_server, transactional_db, settings, monkeypatch
):
    cache.clear()
    invitation = InvitationFactory()
    claims = {"email": invitation.email, "email_verified": True, "name": "Head of claims"}
    accounts = [Account(sub="guest", claims=claims)]
    with oidc_provider_mock.run_server_in_thread(user_claims=accounts) as server:
        monkeypatch.setenv("OIDC_ISSUER", f"http://localhost:{server.server_port}")
        monkeypatch.setenv("OIDC_CLIENT_ID", "countersign")
        monkeypatch.setenv("OIDC_NAME", "Example SSO")
        settings.SOCIALACCOUNT_PROVIDERS = env.openid_connect()
        page.goto(f"{live_server.url}{reverse('account_login')}")
        page.get_by_role("link", name="Example SSO").click()
        page.get_by_role("button", name="Authorize as guest").click()

        expect(page.get_by_text("Head of claims").first).to_be_visible()


def _enter(page, live_server, person):
    page.goto(f"{live_server.url}{reverse('account_login')}")
    _fill(page, person.email)


def _fill(page, email):
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/login/" not in url)


def _leave(page):
    page.context.clear_cookies()


def _prove(page):
    """Changing how one signs in asks for the password once more."""
    page.wait_for_url("**/reauthenticate/**")
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url(lambda url: "reauthenticate" not in url)


def _authenticator(page):
    """Plug a virtual authenticator into Chromium that verifies its user by itself."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
