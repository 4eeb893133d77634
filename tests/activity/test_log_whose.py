"""Whose a record of a system's log is, as the inventory knows."""

import base64
import hashlib
import json

import pytest

from apps.activity.models import Event
from tests.activity.logs import (
    ACCOUNT,
    as_lines,
    bring,
    delivered,
    event,
    stream,
)
from tests.factories.inventory import CredentialFactory, IdentityFactory, SystemFactory

pytestmark = pytest.mark.django_db


def whose(**said):
    bring(stream(), delivered(event(1, **said)))
    return Event.objects.get()


def test_a_session_is_its_roles():
    log = stream()
    role = f"arn:aws:iam::{ACCOUNT}:role/service/deploy"
    identity = IdentityFactory(system=log.system, external_id=role, name="deploy")
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/run-1"
    issuer = {"sessionContext": {"sessionIssuer": {"arn": role}}}

    bring(
        log,
        delivered(
            event(1, userIdentity={"type": "AssumedRole", "arn": session} | issuer),
            event(2, userIdentity={"type": "AssumedRole", "arn": session}),
            event(3, userIdentity={"type": "AssumedRole", "arn": session + "-2"}),
        ),
    )

    assert set(Event.objects.values_list("identity_id", flat=True)) == {identity.pk}


def test_a_role_of_that_name_in_another_account_is_not_taken_for_it():
    log = stream()
    elsewhere = SystemFactory(kind="aws", account="444455556666")
    IdentityFactory(
        system=elsewhere, external_id="arn:aws:iam::444455556666:role/x/deploy", name="deploy"
    )
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/run-1"

    bring(log, delivered(event(1, userIdentity={"type": "AssumedRole", "arn": session})))

    assert Event.objects.get().identity_id is None


def test_a_key_tells_whose_a_call_is_where_the_log_names_nobody():
    log = stream()
    key = CredentialFactory(identity__system=log.system, external_id="AKIAEXAMPLE")

    bring(log, delivered(event(1, userIdentity={"type": "IAMUser", "accessKeyId": "AKIAEXAMPLE"})))

    found = Event.objects.get()
    assert (found.identity_id, found.credential_id) == (key.identity_id, key.pk)
    assert json.loads(found.header)["whose"]["identity"] == key.identity.name


def test_a_call_recorded_in_another_known_account_is_of_that_system():
    log = stream()
    other = SystemFactory(kind="aws", account="444455556666")

    bring(
        log,
        delivered(
            event(1, recipientAccountId="444455556666"),
            event(2, recipientAccountId="999999999999"),
        ),
    )

    first, second = Event.objects.order_by("leaf_index")
    assert (first.system_id, second.system_id) == (other.pk, None)
    assert "no system here" in second.header


def test_a_token_of_github_is_found_by_its_digest():
    log = stream("github", kind="github")
    digest = hashlib.sha256(b"the token")
    token = CredentialFactory(identity__system=log.system, fingerprint=digest.hexdigest())
    told = base64.b64encode(digest.digest()).decode()
    line = {"action": "git.clone", "@timestamp": 1_783_683_000_000, "_document_id": "d"}

    bring(log, as_lines(line | {"actor": "somebody", "hashed_token": told}))

    found = Event.objects.get()
    assert (found.credential_id, found.identity_id) == (token.pk, token.identity_id)


def test_an_account_of_kubernetes_is_found_by_its_username():
    log = stream("kubernetes", kind="kubernetes")
    name = "system:serviceaccount:shop:refunds"
    account = IdentityFactory(system=log.system, external_id=name, name="refunds")
    line = {
        "auditID": "a1",
        "verb": "get",
        "stage": "ResponseComplete",
        "requestReceivedTimestamp": "2026-07-10T11:00:00Z",
        "user": {"username": name},
    }

    bring(log, as_lines(line))

    assert Event.objects.get().identity_id == account.pk


def test_a_role_of_vault_is_found_by_its_entity_and_a_token_by_its_accessor():
    log = stream("vault", kind="vault")
    role = IdentityFactory(
        system=log.system, external_id="auth/approle/role/x", facts={"entity_id": "e-1"}
    )
    token = CredentialFactory(identity=role, external_id="acc-1")
    line = {
        "type": "response",
        "time": "2026-07-10T11:00:00Z",
        "request": {"id": "r1", "operation": "read", "path": "secret/a"},
        "auth": {"entity_id": "e-1", "accessor": "acc-1"},
    }

    bring(log, as_lines(line))

    found = Event.objects.get()
    assert (found.identity_id, found.credential_id) == (role.pk, token.pk)


def test_the_same_name_twice_on_a_system_is_nobody():
    log = stream(
        "generic",
        kind="crm",
        mapping={"name": "act", "happened_at": "at", "principal": "who"},
    )
    for key in ("a", "b"):
        IdentityFactory(system=log.system, external_id=key, name="bot")

    bring(log, as_lines({"act": "read", "at": "2026-07-10T11:00:00Z", "who": "bot"}))

    assert Event.objects.get().identity_id is None


def test_a_batch_asks_the_same_however_many_records_it_holds(django_assert_max_num_queries):
    log = stream()

    with django_assert_max_num_queries(45):
        bring(log, delivered(*(event(number) for number in range(1500))))


# Killed midway.
