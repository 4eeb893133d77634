"""Connections: added without a secret, tested call by call, let remove by two, read in parts."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.connectors.models import Connection, Reading
from apps.connectors.services import connections
from apps.connectors.services.discovering import connections_read_due
from apps.connectors.states import ConnectionState
from apps.connectors.tasks import discover
from apps.core.actors import Person, System
from apps.core.models import Job
from apps.findings.models import Finding
from apps.findings.services import findings_recheck
from apps.inventory.models import Credential, Source
from tests.factories.accounts import UserFactory
from tests.factories.connectors import ConnectionFactory
from tests.servers.aws import allow

ID, SECRET = "COUNTERSIGN_SECRET_AWS_ID", "COUNTERSIGN_SECRET_AWS_SECRET"
WHY = "Keys of agents are killed from here."
on_ministack = pytest.mark.xdist_group("ministack")


@pytest.fixture
def told(ministack, monkeypatch):
    monkeypatch.setenv(ID, ministack.root.id)
    monkeypatch.setenv(SECRET, ministack.root.secret)
    return {
        "auth": "references",
        "access_key_id": f"env:{ID}",
        "secret_access_key": f"env:{SECRET}",
        "regions": ["us-east-1"],
        "endpoint": ministack.endpoint,
    }


@pytest.fixture
def other_steward():
    return UserFactory(role="steward")


def form(told):
    return {**told, "name": "AWS production", "every_minutes": 60, "regions": "us-east-1\n"}


@on_ministack
def test_a_steward_adds_tests_and_reads_one_in_the_browser(as_steward, told, ministack, db):
    user = ministack.user(allow("s3:GetObject"))
    added = as_steward.post(reverse("connectors:connection_new", args=["aws"]), form(told))
    connection = Connection.objects.get()
    assert added.url == connection.get_absolute_url()
    assert connection.state == ConnectionState.DRAFT

    as_steward.post(reverse("connectors:connection_test", args=[connection.pk]))
    connection.refresh_from_db()
    assert (connection.state, connection.accounts) == (ConnectionState.READING, ["000000000000"])
    page = as_steward.get(connection.get_absolute_url()).content.decode()
    assert "iam:ListAccessKeys" in page
    assert ministack.root.secret not in page

    connections.connection_read(connection_id=connection.pk, actor=System("test"))
    _work(connection)
    assert {reading.status for reading in Reading.objects.all()} == {"read"}
    assert Credential.objects.get(external_id=user.key.id).identity.name == user.name
    source = Source.objects.latest("pk")
    assert source.independently_obtained
    assert str(connection) in source.label


@on_ministack
def test_rights_that_are_missing_are_named_one_by_one(as_steward, told, ministack, monkeypatch, db):
    poor = ministack.user(allow("sts:GetCallerIdentity", "iam:ListUsers"))
    monkeypatch.setenv(ID, poor.key.id)
    monkeypatch.setenv(SECRET, poor.key.secret)
    connection = ConnectionFactory(told=told, state=ConnectionState.DRAFT)

    as_steward.post(reverse("connectors:connection_test", args=[connection.pk]))

    connection.refresh_from_db()
    refused = {check["right"] for check in connection.checks if not check["worked"]}
    assert "iam:ListAccessKeys" in refused
    assert "iam:ListUsers" not in refused
    assert "was refused" in connection.problem


@on_ministack
def test_one_that_may_issue_is_told_which_call_for_it_was_refused(
    as_steward, told, ministack, monkeypatch, db
):
    ministack.role()
    poor = ministack.user(allow("sts:*", "iam:Get*", "iam:List*"))
    monkeypatch.setenv(ID, poor.key.id)
    monkeypatch.setenv(SECRET, poor.key.secret)
    connection = ConnectionFactory(told=told, may_issue=True)

    as_steward.post(reverse("connectors:connection_test", args=[connection.pk]))

    page = as_steward.get(connection.get_absolute_url()).text
    refused = page[page.index("iam:CreateAccessKey") :]
    assert "refused, for issuing" in refused[:200]
    assert "is not authorized to perform: iam:CreateAccessKey" in refused


@on_ministack
def test_what_can_be_read_is_kept_and_what_cannot_is_named(told, ministack, monkeypatch, db):
    poor = ministack.user(allow("sts:*", "iam:Get*", "iam:List*", "iam:GenerateCredentialReport"))
    monkeypatch.setenv(ID, poor.key.id)
    monkeypatch.setenv(SECRET, poor.key.secret)
    connection = ConnectionFactory(told=told)

    connections.connection_read(connection_id=connection.pk, actor=System("test"))
    job = _work(connection)

    status = dict(Reading.objects.values_list("title", "status"))
    assert set(status.values()) == {"read", "failed"}
    assert "Missing:" in job.message
    connection.refresh_from_db()
    assert "secretsmanager:ListSecrets" in connection.problem
    findings_recheck(actor=System("test"), rules=["connection-failing"])
    assert Finding.objects.get().subject_id == connection.pk


def test_a_secret_in_place_of_a_reference_is_refused_and_not_shown_again(as_steward):
    pasted = {
        "name": "AWS",
        "auth": "references",
        "access_key_id": "AKIASP2TPHJSQH3FJRUX",
        "secret_access_key": "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",
        "regions": "us-east-1",
        "every_minutes": 60,
    }

    response = as_steward.post(reverse("connectors:connection_new", args=["aws"]), pasted)

    assert response.status_code == 422
    assert pasted["secret_access_key"] not in response.content.decode()
    assert not Connection.objects.exists()


def test_a_reference_that_leads_nowhere_is_the_problem_of_the_test(steward):
    connection = ConnectionFactory(
        state=ConnectionState.DRAFT,
        told={
            "auth": "references",
            "access_key_id": "env:COUNTERSIGN_SECRET_NOT_SET",
            "secret_access_key": "env:COUNTERSIGN_SECRET_NOT_SET",
            "regions": ["us-east-1"],
        },
    )

    tested = connections.connection_test(connection_id=connection.pk, actor=Person(steward))

    assert tested.state == ConnectionState.DRAFT
    assert "COUNTERSIGN_SECRET_NOT_SET is not set" in tested.problem


def test_removal_takes_two_stewards(steward, other_steward):
    connection = ConnectionFactory()
    asked = {"connection_id": connection.pk, "reason": WHY}

    connections.connection_ask_removal(actor=Person(steward), **asked)
    with pytest.raises(PermissionDenied, match="another steward"):
        connections.connection_allow_removal(actor=Person(steward), **asked)
    connections.connection_allow_removal(actor=Person(other_steward), **asked)

    connection.refresh_from_db()
    assert connection.removes
    verbs = AuditEntry.objects.filter(target_type="connectors.connection").values_list("verb")
    assert [verb.rpartition(".")[2] for (verb,) in verbs.order_by("pk")] == [
        "removal_asked",
        "removal_allowed",
    ]


def test_the_database_refuses_removal_by_one(steward):
    with pytest.raises(IntegrityError, match="removal_by_two"):
        ConnectionFactory(removing=True, removal_asked_by=steward, removal_allowed_by=steward)


def test_what_leads_elsewhere_may_no_longer_remove(steward):
    connection = ConnectionFactory(removing=True)

    changed = connections.connection_change(
        connection_id=connection.pk,
        name=connection.name,
        told={"auth": "ambient", "regions": ["eu-west-1"]},
        every_minutes=60,
        calls_per_second=10,
        may_issue=False,
        actor=Person(steward),
    )

    assert changed.state == ConnectionState.READING
    assert changed.removal_allowed_by is None


@on_ministack
def test_a_test_alone_adds_no_account_to_what_removal_was_allowed_for(
    steward, other_steward, told, db
):
    """Two stewards allowed it for one account; the key behind the reference is of another."""
    connection = ConnectionFactory(told=told, removing=True, accounts=["111122223333"])

    tested = connections.connection_test(connection_id=connection.pk, actor=Person(steward))

    assert tested.state == ConnectionState.REMOVING
    assert tested.accounts == []
    assert "000000000000 too, for which removal was not allowed" in tested.problem

    by_one = {"connection_id": connection.pk, "reason": WHY, "actor": Person(steward)}
    connections.connection_stop_removal(**by_one)
    connections.connection_test(connection_id=connection.pk, actor=Person(steward))
    connections.connection_ask_removal(**by_one)
    connections.connection_allow_removal(**by_one | {"actor": Person(other_steward)})
    connection.refresh_from_db()
    assert (connection.removes, connection.accounts) == (True, ["000000000000"])
    allowed = AuditEntry.objects.get(verb="connectors.connection.removal_allowed")
    assert allowed.changes["accounts"] == [None, ["000000000000"]]


@on_ministack
def test_while_a_second_steward_is_asked_no_account_is_added_either(steward, told, db):
    connection = ConnectionFactory(
        told={**told, "roles": ["arn:aws:iam::444455556666:role/x"]},
        state=ConnectionState.REMOVAL_ASKED,
        removal_asked_by=steward,
    )

    tested = connections.connection_test(connection_id=connection.pk, actor=Person(steward))

    assert tested.accounts == ["000000000000"]
    assert "444455556666 too" in tested.problem


def test_a_due_connection_is_read_by_the_schedule(db):
    connection = ConnectionFactory(next_reading_at=timezone.now())

    assert connections_read_due(actor=System("test")) == 1
    assert connections_read_due(actor=System("test")) == 0
    assert Job.objects.get().subject_id == connection.pk


def _work(connection):
    """What the worker does once the request has committed."""
    job = Job.objects.filter(subject_id=connection.pk, kind="connectors.discover").latest("pk")
    discover(job.pk)
    job.refresh_from_db()
    return job
