import base64
from datetime import timedelta

import pytest
from allauth.idp.oidc.models import Token
from django.urls import reverse
from django.utils import timezone

from apps.inventory.services import tokens_drop_expired
from apps.inventory.states import CLIENT_SCOPES
from apps.inventory.tasks import drop_expired_tokens
from tests.factories.inventory import OAuthClientFactory

pytestmark = pytest.mark.django_db


def test_a_secret_gives_a_token_that_lasts_minutes_and_is_kept_as_a_hash(company, signed_up):
    caller = signed_up(company)

    answer = caller.sign_in()

    told = answer.json()
    assert (answer.status_code, told["token_type"], told["expires_in"]) == (200, "Bearer", 900)
    assert set(told["scope"].split()) == set(CLIENT_SCOPES)
    assert "refresh_token" not in told
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    token = Token.objects.get()
    assert told["access_token"] not in str(vars(token))
    assert caller.secret not in caller.client.oauth_client.secret
    caller.client.refresh_from_db()
    assert caller.client.last_token_at is not None


def test_a_secret_may_come_in_the_header(company, signed_up):
    caller = signed_up(company)
    pair = f"{caller.client.oauth_client_id}:{caller.secret}".encode()

    answer = caller.browser.post(
        reverse("api:token"),
        {"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {base64.b64encode(pair).decode()}"},
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "guess"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": "a\x00b"}, 400, "invalid_request"),
        ({"client_secret": "a\x00b"}, 401, "invalid_client"),
        ({"scope": "requests:approve"}, 400, "invalid_scope"),
        ({"scope": "openid"}, 400, "invalid_scope"),
        ({"resource": "nonsense"}, 400, "invalid_request"),
        ({"grant_type": "password", "username": "a", "password": "b"}, 400, None),
        ({"grant_type": "authorization_code", "code": "x"}, 400, None),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, None),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, 400, None),
        ({"grant_type": ""}, 400, None),
    ],
)
def test_nothing_else_gives_a_token(company, signed_up, form, status, error):
    answer = signed_up(company).sign_in(**form)

    assert (answer.status_code, answer.json()["error"]) == (
        status,
        error or "unsupported_grant_type",
    )
    assert not Token.objects.exists()


def test_a_client_of_no_agent_gets_no_token(company, signed_up):
    caller = signed_up(company)
    stray = OAuthClientFactory()
    stray.set_secret("secret")
    stray.save()

    answer = caller.sign_in(client_id=stray.pk, client_secret="secret")

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_an_agent_with_one_scope_gets_no_other(company, signed_up):
    caller = signed_up(company, scopes=["requests:read"])

    assert caller.sign_in(scope="requests:write").status_code == 400
    assert caller.sign_in().json()["scope"] == "requests:read"


def test_a_token_is_given_back(caller):
    said = {"token": caller.token, "client_id": caller.client.oauth_client_id}
    address = reverse("api:revoke")

    assert caller.browser.post(address, {**said, "client_secret": "guess"}).status_code == 401
    assert caller.get("agent").status_code == 200
    answer = caller.browser.post(address, {**said, "client_secret": caller.secret})

    assert answer.status_code == 200
    assert caller.get("agent").status_code == 401


def test_the_addresses_take_forms_of_bounded_size_by_post_alone(client, settings):
    for name in ("token", "revoke"):
        address = reverse(f"api:{name}")
        assert client.get(address).status_code == 405
        large = client.post(address, {"a": "x" * settings.API_LARGEST_BODY})
        assert large.status_code == 413
        assert client.post(f"{address}?a=b", {}).status_code == 400
        odd = client.post(address, "a=%zz&&&=", content_type="application/x-www-form-urlencoded")
        assert odd.status_code in {400, 401}


@pytest.mark.parametrize(
    "address",
    [
        ".well-known/openid-configuration",
        ".well-known/jwks.json",
        "identity/o/authorize",
        "identity/o/device",
        "identity/o/logout",
        "identity/o/api/device/code",
        "identity/o/api/introspect",
        "identity/o/api/userinfo",
        "identity/o/api/clients",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_the_rest_of_the_provider_is_not_there(as_steward, client, address, method):
    assert getattr(client, method)(f"/{address}").status_code == 404


def test_tokens_whose_minutes_are_over_are_forgotten(caller):
    later = timezone.now() + timedelta(hours=1)

    assert drop_expired_tokens() == 0
    assert tokens_drop_expired(moment=later) == 1
    assert not Token.objects.exists()
