import copy
import json

import pytest

from apps.connectors.adapters.aws_catalogue import catalogue
from apps.connectors.adapters.contract import (
    GrantRow,
    Header,
    IdentityRow,
    PermissionRow,
    UnreadableSource,
    Via,
)
from tests.connectors.adapters.reading import (
    FIXTURES,
    document,
    grants,
    real_account,
    rejected,
    rows_from,
    rows_of,
)

FORMAT = "aws-authorization-details"


@pytest.fixture(scope="module")
def account():
    return rows_of(real_account(), FORMAT)


@pytest.fixture
def content():
    return json.loads((FIXTURES / "aws-limits.json").read_text())


def test_the_whole_account_is_read(account):
    assert rejected(account) == []
    assert isinstance(account[0], Header)
    assert account[0].account == "012345678901"
    assert [row.name for row in account if isinstance(row, IdentityRow)] == [
        "obama",
        "userwithlotsofpermissions",
        "biden",
        "MyRole",
        "MyOtherRole",
        "OverprivilegedEC2",
    ]


def test_the_instance_role_holds_what_its_two_policies_say(account):
    held = grants(account, "OverprivilegedEC2")

    assert {key: grant.actions for key, grant in held.items()} == {
        ("iam", "admin"): ("iam:CreateAccessKey",),
        ("s3", "admin"): ("s3:PutObjectAcl",),
        ("s3", "read"): ("s3:GetObject",),
        ("s3", "write"): ("s3:PutObject",),
        ("secretsmanager", "write"): ("secretsmanager:GetSecretValue",),
    }
    assert held["s3", "write"].via == (Via("InsecurePolicy"),)
    assert held["secretsmanager", "write"].tags["reads-secrets"].startswith("catalogue")


def test_a_role_with_one_inline_policy_holds_exactly_that(account):
    assert {key: grant.actions for key, grant in grants(account, "MyRole").items()} == {
        ("ec2", "read"): ("ec2:DescribeIamInstanceProfileAssociations",),
        ("ec2", "write"): (
            "ec2:AssociateIamInstanceProfile",
            "ec2:DisassociateIamInstanceProfile",
        ),
        ("iam", "read"): ("iam:GetInstanceProfile", "iam:ListInstanceProfilesForRole"),
        ("iam", "admin"): (
            "iam:AddRoleToInstanceProfile",
            "iam:CreateInstanceProfile",
            "iam:PassRole",
        ),
    }


def test_a_user_holds_by_own_attached_and_group_policies(account):
    held = grants(account, "biden")

    assert held["s3", "read"].via == (
        Via("InsecureUserPolicy"),
        Via("AWSLambdaFullAccess"),
        Via("InlinePolicyForBidenGroup", "biden"),
    )
    assert held["rds", "write"].via == (Via("AmazonRDSFullAccess", "biden"),)
    assert held["pi", "read"].resources == ("arn:aws:pi:*:*:metrics/rds/*",)
    assert [
        (row.actions, bool(row.conditions), row.group) for row in held["iam", "admin"].statements
    ] == [(("iam:PassRole",), False, ""), (("iam:CreateServiceLinkedRole",), True, "biden")]


def test_an_administrator_holds_every_action_of_the_catalogue(account):
    held = grants(account, "obama").values()

    actions = [name for grant in held for name in grant.actions]
    assert catalogue().expand(actions) == frozenset(catalogue().names)
    assert grants(account, "obama")["iam", "admin"].via == (
        Via("AdministratorAccess"),
        Via("AdministratorAccess", "admin"),
    )


def test_every_grant_names_only_actions_of_its_level(account):
    known = catalogue()
    wrong = [
        (grant.service, grant.level, name)
        for grant in account
        if isinstance(grant, GrantRow)
        for name in grant.actions
        if known.mask(name) & ~known.levels[grant.level]
    ]

    assert wrong == []


def test_every_action_of_a_grant_comes_with_its_permission_before_it(account):
    told = set()
    for row in account:
        if isinstance(row, PermissionRow):
            told.add(row.key)
        if isinstance(row, GrantRow):
            assert {name for held in row.statements for name in held.actions} <= told


def test_one_page_of_several_is_refused(tmp_path, content):
    with pytest.raises(UnreadableSource, match="one page of several"):
        document(tmp_path, {**content, "IsTruncated": True, "Marker": "x"}, FORMAT)


def test_a_filtered_export_is_refused(tmp_path, content):
    del content["Policies"]

    with pytest.raises(UnreadableSource, match="Policies is missing"):
        document(tmp_path, content, FORMAT)


def test_another_document_is_refused(tmp_path):
    with pytest.raises(UnreadableSource, match="not the output of"):
        document(tmp_path, {"Users": []}, FORMAT)


def test_text_that_is_not_json_is_refused(tmp_path):
    with pytest.raises(UnreadableSource, match="does not begin with"):
        rows_from(tmp_path, "user,arn\n", FORMAT)


def test_a_broken_document_names_its_line(tmp_path, content):
    text = json.dumps(content, indent=1).replace('"UserName": "conditional",', '"UserName":,')

    with pytest.raises(UnreadableSource, match=r"^in: line \d+, column \d+: "):
        rows_from(tmp_path, text, FORMAT)


def test_a_bad_statement_rejects_its_identity_by_path(tmp_path, content):
    statement = content["UserDetailList"][0]["UserPolicyList"][0]["PolicyDocument"]["Statement"]
    statement[1]["Effect"] = "Maybe"

    rows = document(tmp_path, content, FORMAT)

    (bad,) = rejected(rows)
    assert bad.path == "UserDetailList[0].UserPolicyList[0].PolicyDocument.Statement[1].Effect"
    assert bad.reason == "It must be Allow or Deny, not 'Maybe'."
    assert (bad.kind, bad.key) == ("identity", "arn:aws:iam::111122223333:user/deny-all")
    assert grants(rows, "deny-all") == {}


def test_a_bad_policy_rejects_whoever_holds_it(tmp_path, content):
    content["Policies"][0]["PolicyVersionList"][1]["Document"]["Statement"][0]["Action"] = "mail"

    rows = document(tmp_path, content, FORMAT)

    assert [(bad.kind, bad.path) for bad in rejected(rows)] == [
        ("policy", "Policies[0].PolicyVersionList[1].Document.Statement[0]"),
        ("group", "GroupDetailList[0].AttachedManagedPolicies[0]"),
        ("identity", "UserDetailList[4].GroupList[0]"),
        ("identity", "RoleDetailList[1].AttachedManagedPolicies[0]"),
    ]


@pytest.mark.parametrize("missing", ["policy", "group"])
def test_a_path_that_leads_out_of_the_file_is_not_guessed(tmp_path, content, missing):
    content = copy.deepcopy(content)
    if missing == "policy":
        content["Policies"] = content["Policies"][1:]
    else:
        content["GroupDetailList"] = []

    rows = document(tmp_path, content, FORMAT)

    assert "arn:aws:iam::111122223333:user/in-group" in {bad.key for bad in rejected(rows)}
    assert grants(rows, "in-group") == {}


def test_an_identity_of_another_account_is_rejected(tmp_path, content):
    content["UserDetailList"][1]["Arn"] = "arn:aws:iam::999988887777:user/narrow-deny"

    (bad,) = rejected(document(tmp_path, content, FORMAT))

    assert bad.path == "UserDetailList[1].Arn"
