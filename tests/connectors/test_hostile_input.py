"""Files nobody should send and somebody will: told in plain words, and kept out of the database.

Each odd entry stands in one file with a good one, which alone is let in.
"""

import pytest

from apps.connectors.errors import SourceRefused
from apps.connectors.models import StagedRow
from apps.inventory.models import Agent, Credential, Identity, System
from tests.connectors.importing import bring, written

AWS = "aws-authorization-details"
LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
NUL = "It holds a NUL character, which no text may hold."

pytestmark = pytest.mark.django_db


def account(*changes):
    users = [{"UserName": f"odd-{at}"} | change for at, change in enumerate(changes)]
    for user in [*users, plain := {"UserName": "plain"}]:
        user.setdefault("Arn", f"arn:aws:iam::111122223333:user/{str(user['UserName'])[:20]}")
    return {name: [] for name in LISTS} | {"UserDetailList": [*users, plain]}


def inline(**changes):
    said = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"} | changes
    return {"UserPolicyList": [{"PolicyName": "inline", "PolicyDocument": {"Statement": [said]}}]}


def as_text(document):
    return {"UserPolicyList": [{"PolicyName": "inline", "PolicyDocument": document}]}


def test_odd_entries_of_an_account_are_rejected_each_with_its_reason(tmp_path):
    odd = {
        "a NUL in a name": ({"UserName": "a\0b"}, "", NUL),
        "a NUL in a tag": ({"Tags": [{"Key": "a\0", "Value": "b"}]}, "", NUL),
        "a NUL in a policy": (inline(Condition={"StringEquals": {"x": "\0"}}), "", NUL),
        "a NUL in a policy's text": (
            as_text('{"Statement": {"Condition": "\\u0000"}}'),
            ".UserPolicyList[0].PolicyDocument",
            NUL,
        ),
        "half a character": (
            as_text('{"Statement": {"Condition": "\\ud800"}}'),
            ".UserPolicyList[0].PolicyDocument",
            "It holds half a character, a surrogate without its other half.",
        ),
        "a text that never ends": (
            as_text("[" * 100_000),
            ".UserPolicyList[0].PolicyDocument",
            "The policy is nested too deeply.",
        ),
        "a number as a name": ({"UserName": 5}, "", "It needs an Arn and a UserName."),
        "a long name": ({"UserName": "n" * 201}, "", "Its name has more than 200 characters."),
        "a long ARN": (
            {"Arn": f"arn:aws:iam::111122223333:user/{'x' * 400}"},
            "",
            "Its Arn has more than 400 characters.",
        ),
        "groups that are none": ({"GroupList": [{}]}, ".GroupList", "It must be a list of names."),
        "a group as a text": ({"GroupList": "abc"}, ".GroupList", "It must be a list of names."),
        "tags that are none": ({"Tags": 7}, ".Tags", "It must be a list of objects."),
        "a time out of the calendar": (
            {"CreateDate": "9999-12-31T23:59:59-14:00"},
            ".CreateDate",
            "'9999-12-31T23:59:59-14:00' is not a time.",
        ),
        "a long policy name": (
            {"UserPolicyList": [{"PolicyName": "p" * 201}]},
            ".UserPolicyList[0]",
            "Its name has more than 200 characters.",
        ),
        "an empty resource": (
            inline(Resource=""),
            ".UserPolicyList[0].PolicyDocument.Statement[0]",
            "Resource and NotResource may not hold an empty text.",
        ),
        "an empty action": (
            inline(Action=["s3:GetObject", ""]),
            ".UserPolicyList[0].PolicyDocument.Statement[0]",
            "Action and NotAction may not hold an empty text.",
        ),
        "a long action": (
            inline(Action=f"s3:{'x' * 200}"),
            ".UserPolicyList[0].PolicyDocument.Statement[0]",
            f"'s3:{'x' * 77}' and so on is no action: it is too long.",
        ),
        "a list as an effect": (
            inline(Effect=["Allow"]),
            ".UserPolicyList[0].PolicyDocument.Statement[0].Effect",
            "It must be Allow or Deny, not ['Allow'].",
        ),
    }
    content = account(*(change for change, _, _ in odd.values()))

    source = bring(written(tmp_path, content), AWS)

    assert source.rejected == [
        {"path": f"UserDetailList[{at}]{path}", "reason": reason}
        for at, (_, path, reason) in enumerate(odd.values())
    ]
    assert list(Identity.objects.values_list("name", flat=True)) == ["plain"]


@pytest.mark.parametrize(
    ("listing", "entry", "path"),
    [
        ("Policies", {"Arn": "arn:aws:iam::aws:policy/a", "PolicyName": "\0"}, "Policies[0]"),
        ("GroupDetailList", {"GroupName": "a\0"}, "GroupDetailList[0]"),
        (
            "Policies",
            {"Arn": "arn:aws:iam::aws:policy/a", "PolicyVersionList": 5},
            "Policies[0].PolicyVersionList",
        ),
    ],
    ids=["policy", "group", "versions"],
)
def test_an_odd_policy_or_group_is_rejected_alone(tmp_path, listing, entry, path):
    source = bring(written(tmp_path, account() | {listing: [entry]}), AWS)

    assert [one["path"] for one in source.rejected] == [path]
    assert list(Identity.objects.values_list("name", flat=True)) == ["plain"]


@pytest.mark.parametrize("format_name", [AWS, "countersign"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("1e999", "It holds a number that is too large."),
        ("9" * 5000, "It holds a number that is too large."),
        ("[" * 101 + "]" * 101, "It is nested more than 100 levels deep."),
        ("[" * 200_000, "It is nested more than 100 levels deep."),
    ],
    ids=["float", "integer", "nested", "never closed"],
)
def test_a_document_that_would_bring_the_reader_down_is_refused(
    tmp_path, format_name, value, reason
):
    listing = "UserDetailList" if format_name == AWS else "agents"
    path = written(tmp_path, f'{{"{listing}": [{{"facts": {value}}}]}}')

    with pytest.raises(SourceRefused) as refused:
        bring(path, format_name)

    assert (refused.value.where, refused.value.reason) == (f"near {listing}", reason)
    assert not StagedRow.objects.exists()


def test_odd_entries_of_an_inventory_are_rejected_each_with_its_reason(tmp_path):
    identity = {"system": "CRM", "kind": "bot-user"}
    key = {"system": "CRM", "identity": "bot", "kind": "api-key"}
    document = {
        "systems": [{"name": "CRM", "kind": "crm"}, {"name": "a\0", "kind": "crm"}],
        "agents": [{"name": "a\0"}, {"name": "a", "tools": [{"a": "\0"}]}],
        "identities": [
            identity | {"name": "bot"},
            identity | {"name": "b", "last_used_at": "0001-01-01T00:00:00+14:00"},
            identity | {"name": "c", "facts": {"a": "\0"}},
        ],
        "credentials": [
            key | {"external_id": "k", "rotation_days": 10**6},
            key | {"external_id": "l", "label": "l" * 5000},
        ],
    }

    source = bring(written(tmp_path, document), "countersign")

    told = {one["path"]: one["reason"] for one in source.rejected}
    assert list(told) == [
        "systems[1]",
        "agents[0]",
        "agents[1]",
        "identities[1]",
        "identities[2]",
        "credentials[0].rotation_days",
        "credentials[1].label",
    ]
    assert told["systems[1]"] == told["identities[2]"] == NUL
    assert told["identities[1]"] == "'0001-01-01T00:00:00+14:00' lies outside the calendar."
    assert not Agent.objects.exists()
    assert not Credential.objects.exists()
    assert System.objects.get().identities.get().name == "bot"


@pytest.mark.parametrize("stream", [5, "s" * 101])
def test_a_list_of_a_strange_name_is_refused(tmp_path, stream):
    path = written(tmp_path, {"stream": stream, "agents": []})

    with pytest.raises(SourceRefused, match="stream: It must be a text of at most 100"):
        bring(path, "countersign")


def test_a_member_with_a_strange_name_can_be_told(tmp_path):
    path = written(tmp_path, {"age\0nts": []})

    with pytest.raises(SourceRefused, match="is none of agents"):
        bring(path, "countersign")


def test_cells_that_hold_formulas_or_worse_are_text_or_rejected(tmp_path):
    rows = [
        "system,identity,service,level,actions,conditions",
        "CRM,bot,=cmd|' /C calc'!A0,read,a,",
        "CRM,bot,nul,read,a\0,",
        f"CRM,bot,deep,read,a,{'[' * 100_000}",
    ]
    systems = {"systems": [{"name": "CRM", "kind": "crm"}]}
    bot = {"identities": [{"system": "CRM", "name": "bot", "kind": "bot-user"}]}
    bring(written(tmp_path, systems | bot), "countersign")

    source = bring(written(tmp_path, "\n".join(rows), "grants.csv"), "countersign")

    assert {one["path"]: one["reason"] for one in source.rejected} == {
        "line 3": NUL,
        "line 4, conditions": "It is nested too deeply.",
    }
    assert Identity.objects.get().grants.get().service == "=cmd|' /C calc'!A0"


def test_a_report_with_a_strange_line_loses_that_line_alone(tmp_path):
    columns = (
        "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
        "password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,"
        "access_key_1_last_used_date,access_key_2_active,access_key_2_last_rotated,"
        "access_key_2_last_used_date"
    )
    rest = "2026-01-01T00:00:00Z,false,N/A,N/A,N/A,false,false,N/A,N/A,false,N/A,N/A"
    arn = "arn:aws:iam::111122223333:user"
    lines = [columns, f"a\0,{arn}/a,{rest}", f"b,{arn}/{'b' * 300},{rest}", f"c,{arn}/c,{rest}"]

    source = bring(written(tmp_path, "\n".join(lines), "report.csv"), "aws-credential-report")

    assert [one["path"] for one in source.rejected] == ["line 2", "line 3"]
    assert list(Identity.objects.values_list("name", flat=True)) == ["c"]
