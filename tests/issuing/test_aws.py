"""Through the API, against an AWS that enforces: the session policy narrows its role."""

import pytest
from botocore.exceptions import ClientError

from apps.connectors.models import Connection
from apps.core.actors import Person
from apps.grants.services.grants import grant_suspend
from apps.issuing.models import Issuance
from apps.issuing.states import IssuanceState
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import AgentFactory, BindingFactory, IdentityFactory
from tests.issuing.house import reconcile, signed_in
from tests.remediation.aws import Company
from tests.servers.aws import Key, allow

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("ministack")]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def steward(transactional_db):
    return UserFactory(steward=True)


@pytest.fixture
def lists(ministack, steward, monkeypatch):
    """A role that may do all on S3, of which one grant, to list buckets, is live."""
    company = Company(ministack, monkeypatch)
    Connection.objects.update(may_issue=True)
    role = ministack.role(allow("s3:*"))
    identity = IdentityFactory(
        system=company.system, name=role.name, external_id=role.arn, kind="aws-role"
    )
    grant = GrantFactory(identity=identity, service="s3", level="read")
    GrantStatementFactory(grant=grant, actions=["s3:ListAllMyBuckets"], resources=["*"])
    return grant


@pytest.fixture
def caller(lists, steward):
    agent = AgentFactory(active=True, name="Ticket triage")
    BindingFactory(agent=agent, identity=lists.identity)
    return signed_in(agent, steward)


def key_of(answer):
    secret = answer.json()["secret"]
    return Key(
        secret["AWS_ACCESS_KEY_ID"], secret["AWS_SECRET_ACCESS_KEY"], secret["AWS_SESSION_TOKEN"]
    )


def test_a_session_does_what_is_granted_and_is_refused_once_the_grant_is_suspended(
    ministack, caller, lists, steward
):
    answer = caller.post(
        "credentials",
        body={"identity_id": lists.identity.pk, "correlation_id": TRACE},
        key="1",
    )

    assert answer.status_code == 201, answer.text
    s3 = ministack.client("s3", key_of(answer))
    assert "Buckets" in s3.list_buckets()
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.create_bucket(Bucket=f"more-{lists.identity.name}")
    who = ministack.client("sts", key_of(answer)).get_caller_identity()
    assert who["Arn"].endswith(f"/{TRACE}")

    grant_suspend(grant_id=lists.pk, reason="It is over.", actor=Person(steward))
    reconcile()

    with pytest.raises(ClientError, match="explicit deny"):
        s3.list_buckets()
    issuance = Issuance.objects.get()
    assert issuance.state == IssuanceState.ENDED
    assert "its other sessions go on" in issuance.ended_how
