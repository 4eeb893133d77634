"""Short-lived sessions cut to what is granted, and new keys beside old ones."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from apps.connectors.adapters.live import Refused, Scope
from tests.connectors.aws.faulty import failure
from tests.connectors.aws.subjects import key_of_user, subject
from tests.servers.aws import Key, allow

LIST = {"actions": ["s3:ListAllMyBuckets"], "resources": ["*"]}


@pytest.fixture
def role(ministack):
    return ministack.role(allow("s3:*", "secretsmanager:*"))


def scope_of(role, *statements, **changes):
    values = {
        "agent": "ticket triage",
        "correlation_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "identity": role.arn,
        "identity_kind": "iam-role",
        "statements": statements or [LIST],
        "expires_at": datetime.now(UTC) + timedelta(hours=2),
    }
    return Scope(**values | changes)


def key_issued(issued):
    secret = issued.secret
    return Key(
        secret["AWS_ACCESS_KEY_ID"], secret["AWS_SECRET_ACCESS_KEY"], secret["AWS_SESSION_TOKEN"]
    )


def make_bucket(server, key, name):
    return server.client("s3", key).create_bucket(Bucket=name)


def test_a_session_may_do_what_is_granted_and_no_more(ministack, role, name):
    assert make_bucket(ministack, ministack.session_of(role, caller(ministack)), f"{name}-a")

    issued = ministack.adapter().issue(scope_of(role))

    assert "Buckets" in ministack.client("s3", key_issued(issued)).list_buckets()
    with pytest.raises(ClientError, match="AccessDenied"):
        make_bucket(ministack, key_issued(issued), f"{name}-b")


def caller(server):
    return server.user(allow("sts:AssumeRole")).key


def test_a_session_bears_its_correlation_and_ends_within_the_hour(ministack, role):
    issued = ministack.adapter().issue(scope_of(role))

    who = ministack.client("sts", key_issued(issued)).get_caller_identity()
    assert who["Arn"].endswith("/4bf92f3577b34da6a3ce929d0e0e4736")
    assert issued.expires_at - datetime.now(UTC) <= timedelta(hours=1)
    assert (issued.kind, issued.external_id[:4]) == ("session", "ASIA")


def test_names_are_made_ones_that_aws_takes(ministack, role):
    issued = ministack.adapter().issue(scope_of(role, correlation_id="run 7/ü" + "x" * 80))

    who = ministack.client("sts", key_issued(issued)).get_caller_identity()
    assert who["Arn"].rpartition("/")[2] == ("run-7--" + "x" * 80)[:64]


def test_a_session_does_not_outlive_its_access(ministack, role):
    """AWS issues nothing for less than a quarter of an hour: the policy itself ends it."""
    ends = datetime.now(UTC) + timedelta(seconds=4)

    issued = ministack.adapter().issue(scope_of(role, expires_at=ends))

    s3 = ministack.client("s3", key_issued(issued))
    assert "Buckets" in s3.list_buckets()
    assert issued.expires_at == ends
    while datetime.now(UTC) < ends:
        continue
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_buckets()


def test_nothing_is_issued_for_access_that_has_ended(ministack, role):
    ended = datetime.now(UTC) - timedelta(seconds=1)

    with pytest.raises(Refused, match="has ended"):
        ministack.adapter().issue(scope_of(role, expires_at=ended))


def test_what_is_denied_or_bounded_stays_so_in_the_session(ministack, role, name):
    all_but = {"actions": ["s3:*"], "resources": ["*"]}
    denied = {"actions": ["s3:CreateBucket"], "resources": ["*"], "effect": "deny"}

    issued = ministack.adapter().issue(scope_of(role, all_but, denied))

    assert "Buckets" in ministack.client("s3", key_issued(issued)).list_buckets()
    with pytest.raises(ClientError, match="AccessDenied"):
        make_bucket(ministack, key_issued(issued), name)


def test_nothing_granted_is_nothing_issued(ministack, role):
    denied = {"actions": ["s3:*"], "resources": ["*"], "effect": "deny"}

    with pytest.raises(Refused, match="Nothing is granted"):
        ministack.adapter().issue(scope_of(role, denied))


def test_what_does_not_fit_is_refused_and_never_widened(ministack, role):
    many = {"actions": [f"s3:AnActionWithALongName{n}" for n in range(100)], "resources": ["*"]}

    with pytest.raises(Refused, match="AWS takes 2048"):
        ministack.adapter().issue(scope_of(role, many))


def test_only_a_role_has_sessions(ministack):
    user = ministack.user()

    with pytest.raises(Refused, match="Only a role"):
        ministack.adapter().issue(scope_of(user, identity_kind="iam-user"))


def test_ending_one_session_leaves_the_others_of_its_role(ministack, role, later):
    adapter = ministack.adapter()
    one = adapter.issue(scope_of(role))
    other = adapter.issue(scope_of(role, correlation_id="another"))

    said = end(adapter, one).said
    end(adapter, one)

    assert "its other sessions go on" in said
    with pytest.raises(ClientError, match="explicit deny"):
        ministack.client("s3", key_issued(one)).list_buckets()
    assert "Buckets" in ministack.client("s3", key_issued(other)).list_buckets()
    later()
    again = adapter.issue(scope_of(role))
    assert "Buckets" in ministack.client("s3", key_issued(again)).list_buckets()


def end(adapter, issued):
    told = {"kind": issued.kind, "external_id": issued.external_id, "facts": issued.facts}
    return adapter.end_issued(told)


def test_what_ended_sessions_long_over_is_cleared_away(ministack, role):
    adapter, iam = ministack.adapter(), ministack.client("iam")
    iam.put_role_policy(
        RoleName=role.name,
        PolicyName="countersign-ended-old",
        PolicyDocument=(
            '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*",'
            ' "Resource": "*", "Condition": {"DateLessThan":'
            ' {"aws:TokenIssueTime": "2026-01-01T00:00:00Z"}}}]}'
        ),
    )

    end(adapter, adapter.issue(scope_of(role)))

    names = iam.list_role_policies(RoleName=role.name)["PolicyNames"]
    assert "countersign-ended-old" not in names
    assert len([one for one in names if one.startswith("countersign-ended-")]) == 1


def test_a_secret_is_handed_over_under_the_agents_own_grant(ministack, role, name):
    secrets = ministack.client("secretsmanager")
    mine = secrets.create_secret(Name=name, SecretString="hush")["ARN"]
    other = secrets.create_secret(Name=f"{name}-other", SecretString="no")["ARN"]
    granted = {"actions": ["secretsmanager:GetSecretValue"], "resources": [mine]}
    adapter = ministack.adapter()

    issued = adapter.issue(scope_of(role, granted, facts={"secret": mine}))

    assert (issued.kind, issued.secret) == ("secret", {"value": "hush"})
    assert "hush" not in repr(issued)
    with pytest.raises(Refused, match="Nothing is granted"):
        adapter.issue(scope_of(role, granted, facts={"secret": other}))


def test_secrets_do_not_show_in_what_is_printed(ministack, role):
    issued = ministack.adapter().issue(scope_of(role))

    assert issued.secret["AWS_SECRET_ACCESS_KEY"] not in repr(issued)
    assert issued.secret["AWS_SESSION_TOKEN"] not in repr(issued)


# Rotation.


def test_a_second_key_works_beside_the_first(ministack):
    user, adapter = ministack.user(allow("iam:ListUsers")), ministack.adapter()

    rotated = adapter.rotate(key_of_user(user))

    new = Key(rotated.external_id, rotated.secret["AWS_SECRET_ACCESS_KEY"])
    for key in (user.key, new):
        assert "Users" in ministack.client("iam", key).list_users()
    assert new.secret not in repr(rotated) + rotated.said


@pytest.mark.parametrize("server", ["ministack", "moto"])
def test_a_user_with_two_keys_is_told_to_end_one_first(server, request):
    aws = request.getfixturevalue(server)
    user = aws.user(keys=2)

    with pytest.raises(Refused) as told:
        aws.adapter().rotate(key_of_user(user, account=aws.account))

    assert f"end {user.keys[1].id} first" in told.value.said


def test_a_key_of_two_can_be_rotated_once_the_other_is_gone(moto):
    user, adapter = moto.user(keys=2), moto.adapter()
    moto.client("iam").delete_access_key(UserName=user.name, AccessKeyId=user.keys[1].id)

    rotated = adapter.rotate(key_of_user(user, account=moto.account))

    listed = moto.client("iam").list_access_keys(UserName=user.name)["AccessKeyMetadata"]
    assert {one["AccessKeyId"] for one in listed} == {user.key.id, rotated.external_id}


def test_a_credential_of_one_service_gets_a_new_value(faulty):
    faulty.text = (
        "<R><ResetServiceSpecificCredentialResult><ServiceSpecificCredential>"
        "<UserName>agent</UserName><ServiceName>bedrock.amazonaws.com</ServiceName>"
        "<ServiceCredentialSecret>hush</ServiceCredentialSecret><Status>Active</Status>"
        "<ServiceSpecificCredentialId>ACCAEXAMPLE7EXAMPLEEXAMPLE</ServiceSpecificCredentialId>"
        "</ServiceSpecificCredential></ResetServiceSpecificCredentialResult></R>"
    )
    held = subject(credential="ACCAEXAMPLE7EXAMPLEEXAMPLE", credential_kind="api-key")

    rotated = faulty.adapter().rotate(held)

    assert rotated.secret == {"ServiceCredentialSecret": "hush"}
    assert "hush" not in repr(rotated)
    assert "the old one ended with it" in rotated.said


def test_a_password_has_no_other_beside_it(faulty):
    user = subject(credential="arn#password", credential_kind="password")

    with pytest.raises(Refused, match="only access keys can be two"):
        faulty.adapter().rotate(user)


def test_the_quota_of_aws_itself_is_told_in_its_words(faulty):
    faulty.answers = {
        "ListAccessKeys": [
            (
                200,
                "<R><ListAccessKeysResult><AccessKeyMetadata/><IsTruncated>false</IsTruncated>"
                "</ListAccessKeysResult></R>",
            )
        ],
        "CreateAccessKey": [(409, failure("LimitExceeded", "Cannot exceed quota."))],
    }
    key = subject(credential="AKIAIOSFODNN7EXAMPLE", credential_kind="access-key")

    with pytest.raises(Refused, match="Cannot exceed quota"):
        faulty.adapter().rotate(key)
