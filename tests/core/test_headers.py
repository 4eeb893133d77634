"""What every answer carries, whatever it is an answer to."""

import pytest
from django.test import Client

from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

ADDRESSES = {
    "/": 200,
    "/inventory/agents/?export=csv": 200,
    "/nowhere/": 404,
    "/inventory/agents/4000/": 404,
    "/?q=%00": 400,
    "/settings/": 200,
}


@pytest.mark.parametrize(("address", "status"), ADDRESSES.items())
def test_every_answer_says_what_a_browser_may_do_with_it(as_steward, address, status):
    response = as_steward.get(address)

    assert response.status_code == status
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"


def test_a_refused_forgery_carries_the_policy_too(steward):
    client = Client(enforce_csrf_checks=True)
    sign_in(client, steward)

    response = client.post("/inventory/agents/new/", {"name": "forged"})

    assert response.status_code == 403
    assert "default-src 'self'" in response["Content-Security-Policy"]


@pytest.mark.parametrize("address", ["/", "/inventory/agents/", "/inventory/agents/?export=csv"])
def test_nothing_made_for_one_person_is_kept_by_a_cache(as_auditor, address):
    assert as_auditor.get(address)["Cache-Control"] == "private, no-store"


def test_what_is_the_same_for_everybody_may_be_kept(client):
    response = client.get("/.well-known/countersign-verify.py")

    assert "no-store" not in response["Cache-Control"]


def test_another_host_is_refused(client, settings):
    settings.ALLOWED_HOSTS = ["countersign.example.com"]

    response = client.get("/", headers={"host": "evil.example.com"})

    assert response.status_code == 400
    assert "evil.example.com" not in response.content.decode()
