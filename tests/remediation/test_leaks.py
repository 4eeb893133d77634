"""Leaked? What was pasted is recognised, looked up, and in no place afterwards."""

import base64
import json
import logging
import re
import time

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.urls import reverse

from apps.connectors.adapters.recognition import account_of_key, recognise
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.inventory.models import Credential
from apps.notices.models import Page
from apps.remediation.models import Leak
from apps.remediation.services.leaks import leaks_report
from tests.factories.inventory import BindingFactory, CredentialFactory
from tests.remediation.aws import Company

KEY = "AKIASP2TPHJSQH3FJRUX"
SECRET = "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"
GITHUB = "ghp_" + "Zq9" * 12
VAULT = "hvs." + "CAESIJ" * 5
AZURE = "abc8Q~" + "x" * 33
URL = "remediation:leak_search"


@pytest.mark.parametrize(
    ("text", "kind", "named"),
    [
        (f"export AWS_ACCESS_KEY_ID={KEY}\nAWS_SECRET_ACCESS_KEY={SECRET}", "aws-key", KEY),
        (SECRET, "aws-secret", ""),
        (f"token: {GITHUB}", "github", ""),
        (f"VAULT_TOKEN={VAULT}", "vault", ""),
        (AZURE, "azure", ""),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJjcm0tYm90In0.x", "jwt", "crm-bot"),
        ("9f8e7d6c-1111-2222-3333-444455556666", "guid", "9f8e7d6c-1111-2222-3333-444455556666"),
        ("crm-key-1", "id", "crm-key-1"),
    ],
)
def test_what_was_pasted_is_recognised_by_its_shape(text, kind, named):
    [clue] = recognise(text).clues

    assert (clue.kind, clue.external_id) == (kind, named)


def test_an_alert_gives_its_secret_and_where_it_was_found():
    alert = {"secret_type": "aws", "secret": KEY, "html_url": "https://example.com/commit/1"}

    found = recognise(json.dumps([alert]))

    assert found.ids == {KEY}
    assert found.where == "https://example.com/commit/1"


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 5000, "{}" * 40_000, "\x00", "=" * 70_000, "eyJ.eyJ."]
)
def test_nothing_that_is_pasted_breaks_it(as_steward, text):
    response = as_steward.post(reverse(URL), {"pasted": text})

    assert response.status_code in {200, 422}


def test_the_account_of_an_aws_key_is_read_from_its_id():
    assert account_of_key("ASIAQNZGKIQY56JQ7WML") == "029608264753"
    assert account_of_key("AKIA0000000000000018") == ""


def test_a_key_is_found_by_its_id_with_everybody_who_uses_it(as_steward):
    credential = CredentialFactory(external_id=KEY)
    agents = [BindingFactory(identity=credential.identity).agent for _ in range(2)]

    page = as_steward.post(reverse(URL), {"pasted": f"x {KEY} {SECRET}"}).content.decode()

    assert reverse("remediation:credential_kill", args=[credential.pk]) in page
    assert all(str(agent) in page for agent in agents)
    assert SECRET not in page


def test_a_secret_without_an_id_is_found_by_its_fingerprint(as_steward):
    [digest] = recognise(GITHUB).digests
    credential = CredentialFactory(fingerprint=digest, external_id="pat-1")

    page = as_steward.post(reverse(URL), {"pasted": GITHUB}).content.decode()

    assert reverse("remediation:credential_kill", args=[credential.pk]) in page
    assert "found only where its fingerprint is known" in page


def test_a_key_that_is_in_no_inventory_names_its_account_and_the_command(as_steward):
    page = as_steward.post(reverse(URL), {"pasted": KEY}).content.decode()

    assert f"AWS account {account_of_key(KEY)}" in page
    assert f"aws iam update-access-key --access-key-id {KEY} --status Inactive" in page


def test_what_was_pasted_stands_nowhere_afterwards(as_steward, caplog, settings_of_broker):
    CredentialFactory(external_id=KEY)
    caplog.set_level(logging.DEBUG)
    texts = [f"{KEY} {SECRET}", GITHUB, VAULT, AZURE, json.dumps({"secret": GITHUB})]

    for text in texts:
        response = as_steward.post(reverse(URL), {"pasted": text})
        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"]
        assert not any(secret in response.content.decode() for secret in (SECRET, GITHUB, VAULT))

    for secret in (SECRET, GITHUB, VAULT, AZURE):
        assert _everything_kept().find(secret) == -1
        assert secret not in caplog.text
        assert secret not in settings_of_broker()


@pytest.mark.django_db(transaction=True)
@pytest.mark.xdist_group("ministack")
def test_what_no_inventory_knows_is_found_by_asking_and_taken_in(
    ministack, monkeypatch, as_steward
):
    Company(ministack, monkeypatch)
    user = ministack.user()

    page = as_steward.post(reverse(URL), {"pasted": user.key.id})
    assert "Found live by" in page.content.decode()
    taken = as_steward.post(
        reverse("remediation:leak_adopt"),
        {
            "connection_id": page.context["found"].located[0].connection.pk,
            "kind": "aws-key",
            "external_id": user.key.id,
        },
    )

    credential = Credential.objects.get(external_id=user.key.id)
    assert credential.identity.name == user.name
    assert taken.url == reverse("remediation:credential_kill", args=[credential.pk])


@pytest.mark.django_db(transaction=True)
@pytest.mark.xdist_group("ministack")
def test_what_was_found_by_one_of_several_clues_is_taken_in_by_its_own_id(
    ministack, monkeypatch, as_steward
):
    Company(ministack, monkeypatch)
    user = ministack.user()
    bedrock = "ABSK" + base64.b64encode(b"BedrockAPIKey-x1-at-111122223333:" + b"s" * 40).decode()

    page = as_steward.post(reverse(URL), {"pasted": f"{bedrock} {user.key.id}"})
    form = re.search(r'name="kind" value="([^"]*)"', page.content.decode())
    asked = re.search(r'name="external_id" value="([^"]*)"', page.content.decode())
    taken = as_steward.post(
        reverse("remediation:leak_adopt"),
        {
            "connection_id": page.context["found"].located[0].connection.pk,
            "kind": form[1],
            "external_id": asked[1],
        },
    )

    assert taken.status_code == 302
    assert Credential.objects.get().external_id == user.key.id


@pytest.mark.parametrize(
    "piece",
    [
        "eyJ-",
        "-eyJaaaaaaaa",
        "eyJabcdefgh.eyJ-",
        "hvs.-",
        "+ABSK",
        "-ghp_",
        "-1Q~",
        "0000-",
        "[",
        "s.",
    ],
)
def test_a_text_made_to_be_slow_is_not(piece):
    begun = time.process_time()

    recognise(piece * (65536 // len(piece)))

    assert time.process_time() - begun < 1


def test_a_reported_leak_pages_somebody_once_and_keeps_no_text(steward):
    credential = CredentialFactory(external_id=KEY)
    alert = json.dumps({"secret": f"{KEY}:{SECRET}", "html_url": "https://example.com/1"})

    first = leaks_report(text=alert, actor=Person(steward))
    again = leaks_report(text=alert, actor=Person(steward))

    assert [leak.pk for leak in first] == [leak.pk for leak in again]
    assert Leak.objects.get().credential == credential
    assert Page.objects.count() == 1
    assert SECRET not in _everything_kept()


def test_an_alert_without_anything_like_a_key_is_refused(steward):
    with pytest.raises(DomainError, match="Nothing in it looks like"):
        leaks_report(text='{"message": "hello"}', actor=Person(steward))


def test_only_stewards_may_look_up(as_reviewer):
    assert as_reviewer.post(reverse(URL), {"pasted": KEY}).status_code == 403


@pytest.fixture
def settings_of_broker():
    """Everything that Redis holds, as one text."""
    broker = redis.Redis.from_url(settings.REDIS_URL)

    def read():
        kept = []
        for key in broker.scan_iter():
            kind = broker.type(key)
            kept.append(key)
            kept += broker.lrange(key, 0, -1) if kind == b"list" else []
            kept += [broker.get(key) or b""] if kind == b"string" else []
        return b"\n".join(kept).decode(errors="replace")

    return read


def _everything_kept() -> str:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        return "\n".join(
            str(row)
            for table in connection.introspection.table_names()
            for row in _rows(cursor, table)
        )


def _rows(cursor, table):
    name = connection.ops.quote_name(table)
    cursor.execute(f"SELECT t::text FROM {name} AS t")  # noqa: S608  (names of our own tables)
    return cursor.fetchall()
