"""What is read of an account, as rows."""

from datetime import UTC, datetime

import pytest

from apps.connectors.adapters.contract import (
    CredentialRow,
    GrantRow,
    Header,
    IdentityRow,
    Rejected,
    Tally,
)
from apps.connectors.adapters.live import Refused
from tests.servers.aws import allow


def rows_of(adapter, kind, *, region=""):
    [part] = [
        one
        for one in adapter.parts()
        if one.key.startswith(f"{kind}:") and one.key.endswith(region)
    ]
    return list(adapter.discover(part))


def of(rows, kind):
    return [row for row in rows if isinstance(row, kind)]


def credentials_of(rows, arn):
    return {row.key: row for row in of(rows, CredentialRow) if row.identity == arn}


def test_each_account_and_region_has_its_parts(ministack):
    adapter = ministack.adapter(regions=["us-east-1", "eu-west-1"])

    parts = adapter.parts()

    assert [part.stream for part in parts] == [
        "aws-authorization-details:000000000000",
        "aws-credential-report:000000000000",
        "aws-secrets:000000000000:us-east-1",
        "aws-secrets:000000000000:eu-west-1",
    ]
    assert {part.account for part in parts} == {"000000000000"}


def test_policies_are_read_as_the_imported_file_is(ministack, name):
    user = ministack.user(allow("s3:ListAllMyBuckets"))
    role = ministack.role(allow("ses:SendEmail"))

    rows = rows_of(ministack.adapter(), "authorization")

    header = rows[0]
    assert isinstance(header, Header)
    assert header.kinds == {"identity", "grant"}
    kinds = {row.key: row.kind for row in of(rows, IdentityRow)}
    assert (kinds[user.arn], kinds[role.arn]) == ("iam-user", "iam-role")
    [grant] = [row for row in of(rows, GrantRow) if row.identity == user.arn]
    assert (grant.service, grant.level) == ("s3", "read")
    assert grant.statements[0].actions == ("s3:ListAllMyBuckets",)


def test_a_policy_of_awss_own_is_asked_for_where_it_is_not_listed(ministack):
    user = ministack.user()
    arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    ministack.client("iam").attach_user_policy(UserName=user.name, PolicyArn=arn)

    rows = rows_of(ministack.adapter(), "authorization")

    assert [row.level for row in of(rows, GrantRow) if row.identity == user.arn]
    assert user.arn not in {row.key for row in of(rows, Rejected)}


def test_a_role_tells_when_it_was_used_last(moto):
    role = moto.role(allow("s3:*"))
    moto.client("s3", moto.session_of(role, moto.user().key)).list_buckets()

    rows = rows_of(moto.adapter(), "authorization")

    [read] = [row for row in of(rows, IdentityRow) if row.key == role.arn]
    assert (datetime.now(UTC) - read.last_used_at).total_seconds() < 60


def test_keys_are_read_by_their_ids_with_status_and_age(ministack):
    user = ministack.user(keys=2)
    ministack.client("iam").update_access_key(
        UserName=user.name, AccessKeyId=user.keys[1].id, Status="Inactive"
    )

    rows = rows_of(ministack.adapter(), "credentials")

    found = credentials_of(rows, user.arn)
    assert {key: row.active for key, row in found.items()} == {
        user.keys[0].id: True,
        user.keys[1].id: False,
    }
    assert found[user.keys[1].id].facts["status"] == "Inactive"
    assert (datetime.now(UTC) - found[user.key.id].created_at).total_seconds() < 300
    assert user.key.secret not in repr(rows)


def test_keys_tell_when_and_where_they_were_used_last(moto):
    user = moto.user(keys=2)
    moto.client("s3", user.keys[0]).list_buckets()

    rows = rows_of(moto.adapter(), "credentials")

    used, unused = (credentials_of(rows, user.arn)[key.id] for key in user.keys)
    assert (datetime.now(UTC) - used.last_used_at).total_seconds() < 60
    assert used.facts["last_used_service"] == "s3"
    assert (unused.use_known, unused.last_used_at) == (True, None)
    [identity] = [row for row in of(rows, IdentityRow) if row.key == user.arn]
    assert identity.last_used_at == used.last_used_at


def test_a_console_password_is_a_credential_and_its_missing_second_factor_is_told(ministack):
    user = ministack.user()
    ministack.client("iam").create_login_profile(UserName=user.name, Password="Xy7!abcdefgh")

    found = credentials_of(rows_of(ministack.adapter(), "credentials"), user.arn)

    password = found[f"{user.arn}#password"]
    assert (password.kind, password.facts["mfa_active"]) == ("password", False)


def test_root_is_an_identity_with_a_password(ministack):
    rows = rows_of(ministack.adapter(), "credentials")

    root = "arn:aws:iam::000000000000:root"
    assert root in {row.key for row in of(rows, IdentityRow)}
    assert f"{root}#password" in credentials_of(rows, root)


def test_what_is_refused_is_told_and_the_rest_is_read(ministack):
    reader = ministack.user(allow("iam:ListUsers", "iam:ListAccessKeys"))

    rows = rows_of(ministack.adapter(reader.key), "credentials")

    assert reader.key.id in credentials_of(rows, reader.arn)
    told = {row.path: row.reason for row in of(rows, Rejected)}
    assert "iam:GetLoginProfile" in told
    assert "not authorized" in told["iam:GetAccessKeyLastUsed"]
    assert {row.key for row in of(rows, Rejected)} == {""}
    assert not credentials_of(rows, reader.arn)[reader.key.id].use_known


def test_each_refused_call_is_told_once_however_many_users_there_are(ministack):
    for _ in range(3):
        ministack.user()
    reader = ministack.user(allow("iam:ListUsers"))

    rejected = of(rows_of(ministack.adapter(reader.key), "credentials"), Rejected)

    assert len({row.path for row in rejected}) == len(rejected)


def test_a_part_that_cannot_be_had_fails_by_itself(ministack):
    reader = ministack.user(allow("iam:ListAccessKeys"))

    with pytest.raises(Refused) as told:
        rows_of(ministack.adapter(reader.key), "credentials")

    assert told.value.call == "iam:ListUsers"


def test_secrets_are_read_by_region_with_their_rotation(moto, name):
    for region in ("us-east-1", "eu-west-1"):
        moto.client("secretsmanager", region=region).create_secret(
            Name=f"{name}-{region}", SecretString="hush", Tags=[{"Key": "team", "Value": "crm"}]
        )
    moto.client("secretsmanager", region="eu-west-1").rotate_secret(
        SecretId=f"{name}-eu-west-1",
        RotationRules={"AutomaticallyAfterDays": 30},
    )

    rows = rows_of(moto.adapter(regions=["us-east-1", "eu-west-1"]), "secrets", region="eu-west-1")

    [identity] = [row for row in of(rows, IdentityRow) if row.name.startswith(name)]
    assert (identity.kind, identity.name) == ("secret", f"{name}-eu-west-1")
    assert identity.tags == {"team": "crm"}
    [secret] = credentials_of(rows, identity.key).values()
    assert (secret.rotation_days, secret.stored_in) == (30, "secret-manager")
    assert "hush" not in repr(rows)


def test_a_withdrawn_secret_is_read_as_not_active(ministack, name):
    secrets = ministack.client("secretsmanager")
    arn = secrets.create_secret(Name=name, SecretString="hush")["ARN"]
    secrets.delete_secret(SecretId=arn, RecoveryWindowInDays=30)

    rows = rows_of(ministack.adapter(), "secrets", region="us-east-1")

    assert [row.active for row in credentials_of(rows, arn).values()] == [False]


def test_further_accounts_are_read_through_their_roles(ministack):
    elsewhere = ministack.in_account("222222222222")
    user, role = elsewhere.user(), elsewhere.role(allow("iam:*"))
    adapter = ministack.adapter(roles=[role.arn])

    assert adapter.accounts() == ["000000000000", "222222222222"]
    rows = list(adapter.discover(by_key(adapter, "credentials:222222222222")))
    assert user.key.id in credentials_of(rows, user.arn)


def test_an_account_that_cannot_be_entered_fails_alone(ministack):
    adapter = ministack.adapter(roles=["arn:aws:iam::333333333333:role/not-there"])

    with pytest.raises(Refused) as told:
        list(adapter.discover(by_key(adapter, "credentials:333333333333")))

    assert told.value.call == "sts:AssumeRole"
    assert list(adapter.discover(by_key(adapter, "credentials:000000000000")))


def by_key(adapter, key):
    return next(part for part in adapter.parts() if part.key == key)


@pytest.mark.parametrize(
    "read", ["authorization", "credentials", "secrets"], ids=lambda read: f"{read}-again"
)
def test_the_same_account_reads_the_same_twice(ministack, read):
    ministack.user(allow("s3:*"))
    adapter = ministack.adapter()

    first, second = (rows_of(adapter, read) for _ in range(2))

    assert [repr(row) for row in first] == [repr(row) for row in second]
    assert of(first, Tally)[0].entries >= len(of(first, IdentityRow)) - 1
