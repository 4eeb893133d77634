"""Every operation against every kind of caller: none is open, and none tells a page's story."""

from datetime import timedelta

import pytest
from allauth.idp.oidc.models import Token
from django.conf import settings
from django.test import Client as Browser
from django.urls import get_resolver, reverse
from django.utils import timezone

from apps.approvals.models import AccessRequest
from apps.core.actors import Person
from apps.inventory.services import (
    agent_resume,
    agent_retire,
    agent_suspend,
    client_revoke,
    client_rotate,
)
from apps.inventory.states import (
    APPEND_TRAIL,
    CLIENT_SCOPES,
    ISSUE_CREDENTIALS,
    READ_REQUESTS,
    REPORT_LEAKS,
    WRITE_REQUESTS,
)
from tests.factories.inventory import OAuthClientFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

OPERATIONS = {
    ("get", "agent"): READ_REQUESTS,
    ("get", "requests"): READ_REQUESTS,
    ("get", "request"): READ_REQUESTS,
    ("post", "requests"): WRITE_REQUESTS,
    ("post", "request_cancel"): WRITE_REQUESTS,
    ("get", "credentials"): ISSUE_CREDENTIALS,
    ("post", "credentials"): ISSUE_CREDENTIALS,
    ("post", "credential_end"): ISSUE_CREDENTIALS,
    ("post", "leaks"): REPORT_LEAKS,
    ("post", "invocations"): APPEND_TRAIL,
    ("post", "invocation_records"): APPEND_TRAIL,
}
OF_ONE = {"request", "request_cancel", "credential_end", "invocation_records"}


def call(caller, method, name, pk=1, body=None):
    args = [f"{pk:032x}" if name == "invocation_records" else pk] if name in OF_ONE else []
    if method == "get":
        return caller.get(name, *args)
    return caller.post(name, *args, body={} if body is None else body, key="key")


def all_codes(caller):
    """Of all but telling: a stopped agent's own account of what it did is wanted most."""
    asked = (one for one, scope in OPERATIONS.items() if scope != APPEND_TRAIL)
    return {call(caller, method, name).status_code for method, name in asked}


def assert_problem(answer, status):
    told = answer.json()
    assert answer.status_code == told["status"] == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert told["request_id"] == answer.headers["X-Request-ID"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_these_are_all_the_operations():
    patterns = next(one for one in get_resolver().url_patterns if one.namespace == "api")
    names = {one.name for one in patterns.url_patterns} - {"docs", "openapi", "token", "revoke"}

    assert names == {name for _, name in OPERATIONS}


@pytest.mark.parametrize(("method", "name"), OPERATIONS)
@pytest.mark.parametrize("token", ["", "nonsense", "eyJhbGciOiJub25lIn0.e30.", "é"])
def test_without_a_valid_token_nothing_is_let_through(caller, method, name, token):
    caller.token = token

    answer = call(caller, method, name)

    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("where", ["query", "cookie", "basic"])
def test_a_token_counts_in_its_header_alone(caller, where):
    address, token = reverse("api:agent"), caller.token
    caller.browser.cookies["access_token"] = token

    answer = {
        "query": lambda: caller.browser.get(address, {"access_token": token}),
        "cookie": lambda: caller.browser.get(address),
        "basic": lambda: caller.browser.get(address, headers={"Authorization": f"Basic {token}"}),
    }[where]()

    assert answer.status_code == 401


def test_a_person_who_is_signed_in_is_no_machine(company):
    browser = Browser()
    sign_in(browser, company.steward)

    assert browser.get(reverse("api:agent")).status_code == 401


def test_an_expired_token_lets_nobody_in(caller):
    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert all_codes(caller) == {401}


def test_a_token_of_a_client_that_belongs_to_no_agent_lets_nobody_in(caller):
    Token.objects.update(client=OAuthClientFactory())

    assert all_codes(caller) == {401}


@pytest.mark.parametrize("scope", CLIENT_SCOPES)
def test_a_token_does_what_its_scope_says(caller, company, scope):
    caller.sign_in(scope=scope)

    for (method, name), wanted in OPERATIONS.items():
        answer = call(caller, method, name)
        if wanted == scope:
            assert answer.status_code not in {401, 403}
        else:
            assert_problem(answer, 403)
            assert wanted in answer.json()["detail"]


def test_a_stopped_agent_may_do_nothing_and_goes_on_once_it_is_resumed(caller, company):
    steward = Person(company.steward)
    agent_suspend(agent_id=company.agent.pk, reason="It misbehaves.", actor=steward)

    assert all_codes(caller) == {403}
    answer = caller.get("agent")
    assert_problem(answer, 403)
    assert answer.json()["detail"] == "The agent is suspended: it may not use the API."
    refused = caller.sign_in()
    assert (refused.status_code, refused.json()["error"]) == (400, "access_denied")

    agent_resume(agent_id=company.agent.pk, reason="It behaves again.", actor=steward)
    assert caller.get("agent").status_code == 200


@pytest.mark.parametrize("how", ["retired", "revoked", "new secret"])
def test_what_ends_a_secret_ends_its_tokens_at_once(caller, company, how):
    said = {"reason": "It is over.", "actor": Person(company.steward)}
    if how == "retired":
        agent_retire(agent_id=company.agent.pk, **said)
    elif how == "revoked":
        client_revoke(client_id=caller.client.pk, **said)
    else:
        client_rotate(client_id=caller.client.pk, **said)

    assert all_codes(caller) == {401}
    refused = caller.sign_in()
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("method", ["put", "patch", "delete", "head", "options", "trace"])
def test_another_method_is_refused_with_those_that_are_not(caller, method):
    answer = getattr(caller.browser, method)(reverse("api:requests"))

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, POST"
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_body_has_a_bound_and_a_kind(caller, policy, ask):
    large = caller.post("requests", body="x" * (settings.API_LARGEST_BODY + 1), key="1")
    form = caller.post(
        "requests", body="a=b", key="2", content_type="application/x-www-form-urlencoded"
    )
    broken = caller.post("requests", body="{", key="3")
    deep = caller.post("requests", body="[" * 60_000, key="4")
    number = caller.post("requests", body='{"days": ' + "9" * 5000 + "}", key="5")

    for answer, status in [(large, 413), (form, 415), (broken, 400), (deep, 400), (number, 400)]:
        assert_problem(answer, status)
        assert answer.json()["errors"][0]["field"]
    assert not AccessRequest.objects.exists()


@pytest.mark.parametrize("address", ["/api/", "/api/v1/", "/api/v1/nothing", "/api/v2/requests"])
def test_an_address_that_leads_nowhere_is_a_problem_too(client, address):
    answer = client.get(address)

    assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")


@pytest.mark.parametrize("query", ["?state=a%00b", "?%00=1", "?%zz=1", "?a=%", "?a=b;c=d", "?\\"])
def test_a_query_that_cannot_be_read_is_a_problem(caller, query):
    address = f"{reverse('api:requests')}{query}"

    answer = caller.browser.get(address, headers={"Authorization": f"Bearer {caller.token}"})

    assert answer.status_code in {200, 400, 422}
    assert answer.headers["Content-Type"].startswith("application/")


def test_what_breaks_here_is_a_problem_that_tells_nothing(caller, monkeypatch):
    monkeypatch.delattr("apps.api.views.operations.page_of")

    answer = caller.get("requests")

    assert (answer.status_code, answer.json()["status"]) == (500, 500)
    assert "page_of" not in answer.text


@pytest.fixture
def counted(settings):
    """The cache of a release, on the server that the tests were given."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": settings.REDIS_URL,
            "KEY_PREFIX": "countersign-test-api",
        }
    }
    settings.API_RATES = {"read": 3, "write": 2, "token": 4}


def test_each_client_may_call_so_often_and_no_more(counted, caller, company, ask, policy):
    other = type(caller)(caller.client, caller.secret)

    reads = [caller.get("agent") for _ in range(4)]
    writes = [caller.post("requests", body=ask(), key="1") for _ in range(3)]

    assert [one.status_code for one in reads] == [200, 200, 200, 429]
    assert [one.status_code for one in writes] == [201, 201, 429]
    assert_problem(reads[-1], 429)
    assert 1 <= int(reads[-1].headers["Retry-After"]) <= 60
    tokens = [other.sign_in(client_secret="guess").status_code for _ in range(5)]
    assert tokens[-1] == 429
