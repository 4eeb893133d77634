"""The rights a connection needs are those it is told to be given, and each is tried by itself."""

import json

import pytest

from apps.connectors.adapters.aws import AwsAdapter
from apps.connectors.adapters.aws_checks import tried
from apps.connectors.adapters.aws_rights import ISSUING, READING, REMOVAL
from tests.servers.aws import policy

# What MiniStack does not have, though AWS does.
NOT_THERE = {
    "iam:ListServiceSpecificCredentials",
    "iam:ListSigningCertificates",
    "iam:DeleteServiceSpecificCredential",
    "iam:DeleteSigningCertificate",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateServiceSpecificCredential",
    "iam:UpdateSigningCertificate",
}


def granted(*purposes, but=""):
    told = [json.loads(AwsAdapter.rights({}, purpose)) for purpose in purposes]
    statements = [statement for document in told for statement in document["Statement"]]
    for statement in statements:
        statement["Action"] = [one for one in statement["Action"] if one != but]
    return statements


def refused(adapter, *, removal=True):
    return {check.right for check in adapter.check(removal=removal) if not check.worked}


@pytest.fixture
def with_rights(ministack):
    """Make an adapter for a user that has the rights of these purposes, but for one."""

    def make(*purposes, but=""):
        user = ministack.user()
        for purpose in purposes:
            name = f"{user.name}-{purpose}"
            iam = ministack.client("iam")
            text = json.dumps({"Version": "2012-10-17", "Statement": granted(purpose, but=but)})
            arn = iam.create_policy(PolicyName=name, PolicyDocument=text)["Policy"]["Arn"]
            iam.attach_user_policy(UserName=user.name, PolicyArn=arn)
        return ministack.adapter(user.key)

    return make


def test_the_policies_to_copy_are_enough(with_rights):
    adapter = with_rights("reading", "removal")

    checks = list(adapter.check(removal=True))

    assert {check.right for check in checks if not check.worked} == NOT_THERE
    assert [check.right for check in checks] == ["sts:GetCallerIdentity", *READING, *REMOVAL]
    assert {check.needed_for for check in checks} == {"reading", "removal"}


def test_reading_needs_no_right_to_remove(with_rights):
    assert refused(with_rights("reading"), removal=False) <= NOT_THERE


def test_reading_rights_remove_nothing(with_rights):
    assert refused(with_rights("reading")) >= set(REMOVAL)


@pytest.mark.parametrize(
    "missing", ["cloudtrail:LookupEvents", "iam:ListUsers", "iam:PutRolePolicy"]
)
def test_a_right_that_is_missing_fails_its_own_line_and_no_other(with_rights, missing):
    failing = refused(with_rights("reading", "removal", but=missing))

    assert failing == NOT_THERE | {missing}


def test_each_line_fails_where_its_right_is_missing(ministack):
    user, iam = ministack.user(), ministack.client("iam")
    clients = ministack.adapter(user.key).clients
    lines = {}
    for right in (*READING, *REMOVAL):
        text = policy({"Effect": "Allow", "NotAction": right, "Resource": "*"})
        iam.put_user_policy(UserName=user.name, PolicyName="all-but-one", PolicyDocument=text)
        lines[right] = tried(clients, right, ["000000000000"])

    assert [right for right, line in lines.items() if line.worked] == []


def test_a_refused_line_says_what_aws_said(with_rights):
    adapter = with_rights("reading", but="iam:ListUsers")

    [line] = [one for one in adapter.check(removal=False) if one.right == "iam:ListUsers"]

    assert "is not authorized to perform: iam:ListUsers" in line.said


def test_checking_changes_nothing(ministack, with_rights):
    before = ministack.client("iam").get_account_authorization_details()
    adapter = with_rights("reading", "removal")
    made = ministack.client("iam").get_account_authorization_details()

    list(adapter.check(removal=True))

    after = ministack.client("iam").get_account_authorization_details()
    for name in ("UserDetailList", "RoleDetailList", "GroupDetailList", "Policies"):
        assert after[name] == made[name]
    assert len(after["UserDetailList"]) == len(before["UserDetailList"]) + 1


def test_keys_that_do_not_work_are_said_in_one_line(ministack):
    user = ministack.user()
    ministack.client("iam").update_access_key(
        UserName=user.name, AccessKeyId=user.key.id, Status="Inactive"
    )

    [line] = ministack.adapter(user.key).check(removal=True)

    assert (line.right, line.worked) == ("sts:GetCallerIdentity", False)
    assert "security token" in line.said
    assert user.key.secret not in line.said


def test_a_region_where_a_right_is_missing_is_named(ministack, with_rights):
    adapter = with_rights("reading", but="secretsmanager:ListSecrets")
    adapter.clients.regions = ["us-east-1", "eu-west-1"]

    [line] = [one for one in adapter.check(removal=False) if "ListSecrets" in one.right]

    assert line.said.startswith("us-east-1: ")


def test_a_role_that_cannot_be_assumed_is_a_line_of_its_own(ministack):
    arn = "arn:aws:iam::000000000000:role/not-there"

    lines = list(ministack.adapter(roles=[arn]).check(removal=False))

    assert lines[1].right == "sts:AssumeRole"
    assert not lines[1].worked
    assert arn in lines[1].said


# Neither does it have this one.
RESET = "iam:ResetServiceSpecificCredential"


@pytest.fixture
def elsewhere(ministack):
    """An account of its own, in which no other test makes roles."""
    return ministack.in_account("210987654321")


def issuing_by(server, *, but=""):
    """Each line about issuing, for a user that has the rights for it, but for one."""
    user = server.user(*granted("reading", "issuing", but=but))
    lines = list(server.adapter(user.key).check(removal=False, issuing=True))
    return {line.right: line for line in lines if line.needed_for == "issuing"}


def refused_of(lines):
    return {right for right, line in lines.items() if not line.worked}


def test_what_issuing_needs_is_tried_where_a_connection_may_issue(elsewhere):
    role = elsewhere.role()
    before = elsewhere.client("iam").get_account_authorization_details(Filter=["Role"])

    lines = issuing_by(elsewhere)

    assert set(lines) == set(ISSUING)
    assert refused_of(lines) == {RESET}
    assert lines["sts:AssumeRole"].said.endswith("with a session that may do nothing.")
    after = elsewhere.client("iam").get_account_authorization_details(Filter=["Role"])
    assert after["RoleDetailList"] == before["RoleDetailList"]
    assert role.arn in [one["Arn"] for one in after["RoleDetailList"]]


def test_a_connection_that_may_not_issue_is_not_tried_with_it(with_rights):
    lines = list(with_rights("reading", "issuing").check(removal=False))

    assert {line.needed_for for line in lines} == {"reading"}


@pytest.mark.parametrize(
    "missing",
    ["iam:CreateAccessKey", "iam:PutRolePolicy", "secretsmanager:RotateSecret"],
)
def test_a_right_to_issue_that_is_missing_fails_its_own_line(elsewhere, missing):
    elsewhere.role()

    lines = issuing_by(elsewhere, but=missing)

    assert refused_of(lines) == {RESET, missing}
    assert missing in lines[missing].said


def test_who_may_assume_no_role_is_told_so(elsewhere):
    elsewhere.role()

    lines = issuing_by(elsewhere, but="sts:AssumeRole")

    assert refused_of(lines) == {RESET, "sts:AssumeRole", "sts:SetSourceIdentity"}
    assert "not authorized to perform: sts:AssumeRole" in lines["sts:AssumeRole"].said


def test_where_no_role_lets_it_in_the_line_says_what_is_missing(ministack):
    server = ministack.in_account("310987654321")
    role, other = server.role(), server.user()
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": other.arn}}
    server.client("iam").update_assume_role_policy(RoleName=role.name, PolicyDocument=policy(trust))

    lines = issuing_by(server)

    assert refused_of(lines) == {RESET, "sts:AssumeRole", "sts:SetSourceIdentity"}
    assert "Each agent's role has to name it" in lines["sts:AssumeRole"].said
