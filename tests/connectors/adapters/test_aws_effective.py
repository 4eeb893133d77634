"""Each test is a row of a table made by hand from tests/connectors/fixtures/aws-limits.json."""

import pytest

from apps.connectors.adapters.aws_catalogue import catalogue
from apps.connectors.adapters.contract import Via
from tests.connectors.adapters.reading import FIXTURES, grants, identity, rejected, rows_of


@pytest.fixture(scope="module")
def rows():
    return rows_of(FIXTURES / "aws-limits.json", "aws-authorization-details")


def told(grant):
    """Every action a grant names, or stands for."""
    return catalogue().expand(grant.actions) | set(grant.unknown_actions)


def test_nothing_in_the_fixture_is_rejected(rows):
    assert rejected(rows) == []


def test_an_action_denied_on_all_resources_does_not_appear(rows):
    held = grants(rows, "deny-all")

    assert set(held) == {("s3", "read"), ("s3", "write")}
    assert told(held["s3", "read"]) == {"s3:GetObject", "s3:ListObject"} & catalogue().expand(
        ["s3:*"]
    ) | {"s3:GetObject"}
    assert told(held["s3", "write"]) == {
        "s3:PutObject",
        "s3:ReplicateObject",
        "s3:UpdateObject",
    } & catalogue().expand(["s3:*"])
    assert held["s3", "write"].limits == ()


def test_a_deny_on_one_resource_or_with_a_condition_stands_beside_the_grant(rows):
    held = grants(rows, "narrow-deny")

    assert told(held["sqs", "write"]) == {"sqs:SendMessage"}
    assert [
        (limit.sid, limit.effect, limit.actions, limit.resources, limit.conditions)
        for limit in held["sqs", "write"].limits
    ] == [
        (
            "NotPayroll",
            "deny",
            ("sqs:SendMessage",),
            ("arn:aws:sqs:eu-central-1:111122223333:payroll",),
            {},
        ),
        (
            "OnlyWithMfa",
            "deny",
            ("sqs:SendMessage",),
            ("*",),
            {"Bool": {"aws:MultiFactorAuthPresent": "false"}},
        ),
    ]
    assert [limit.sid for limit in held["sqs", "read"].limits] == ["NotPayroll"]


def test_not_action_allows_the_rest_and_denies_the_rest(rows):
    held = grants(rows, "not-action")

    assert {service for service, level in held} == {"sqs"}
    assert set().union(*(told(grant) for grant in held.values())) == catalogue().expand(["sqs:*"])
    assert held["sqs", "write"].statements[0].not_actions == ("iam:*", "sts:*")


def test_not_resource_is_kept_as_the_limit_it_is(rows):
    held = grants(rows, "not-resource")

    assert told(held["s3", "read"]) == {"s3:GetObject"}
    assert held["s3", "read"].resources == ()
    assert held["s3", "read"].not_resources == ("arn:aws:s3:::payroll/*",)
    assert told(held["s3", "write"]) == {"s3:PutObject"}
    assert held["s3", "write"].limits[0].not_resources == ("arn:aws:s3:::outbox/*",)


def test_a_group_is_one_of_the_paths(rows):
    held = grants(rows, "in-group")

    assert set(held) == {("ses", "write"), ("ses", "read")}
    assert told(held["ses", "write"]) == {"ses:SendEmail", "ses:SendRawEmail"}
    assert held["ses", "write"].via == (Via("own-mail"), Via("group-mail", "mailers"))
    assert held["ses", "read"].via == (Via("read-mail", "mailers"),)
    assert held["ses", "read"].statements[0].policy_key.endswith(":policy/read-mail")


def test_only_the_default_version_of_a_managed_policy_counts(rows):
    assert told(grants(rows, "in-group")["ses", "read"]) == {"ses:GetAccount"}


def test_a_condition_keeps_its_action(rows):
    held = grants(rows, "conditional")["dynamodb", "write"]

    assert [(row.actions, row.conditions) for row in held.statements] == [
        (("dynamodb:PutItem",), {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
        (("dynamodb:DeleteItem",), {}),
    ]


def test_a_boundary_cuts_off_what_it_does_not_allow_and_what_it_denies(rows):
    held = grants(rows, "bounded")

    assert set(held) == {("s3", "read"), ("s3", "write"), ("sts", "write"), ("ec2", "write")}
    assert told(held["s3", "write"]) == {"s3:PutObject"}
    assert held["s3", "write"].limits == ()


def test_a_boundary_with_a_condition_is_a_limit_beside_the_grant(rows):
    (limit,) = grants(rows, "bounded")["ec2", "write"].limits

    assert (limit.origin, limit.effect, limit.policy) == ("boundary", "allow", "fence")
    assert limit.actions == ("ec2:RunInstances",)
    assert limit.conditions == {"StringEquals": {"ec2:InstanceType": "t3.micro"}}


def test_unknown_actions_are_named_and_count_as_write(rows):
    held = grants(rows, "unknown")

    assert held["s3", "write"].unknown_actions == ("s3:GetHologram",)
    assert held["teleport", "write"].unknown_actions == ("teleport:*",)
    assert held["teleport", "write"].limits[0].effect == "deny"


def test_no_pattern_swallows_an_unknown_action_that_is_denied(rows):
    patterns = grants(rows, "unknown")["s3", "read"].actions

    assert "s3:GetObject*" not in patterns
    assert told(grants(rows, "unknown")["s3", "read"]) == {
        name
        for name in catalogue().expand(["s3:GetObject*"])
        if catalogue().level_of(name) == "read"
    }


def test_trust_across_accounts_and_chains_are_kept(rows):
    trust = identity(rows, "bounded").trust

    assert [
        (principal["account"], principal["is_external"])
        for principal in trust["trusts"][0]["principals"]
    ] == [("444455556666", True), ("111122223333", False)]
    assert trust["trusts"][0]["conditions"] == {"StringEquals": {"sts:ExternalId": "example"}}
    assert [link["policy"] for link in trust["assumes"]] == ["wide"]
    assert "passes" not in trust


def test_service_linked_roles_are_marked(rows):
    assert identity(rows, "AWSServiceRoleForSupport").service_linked
    assert not identity(rows, "bounded").service_linked


def test_last_use_and_tags_are_read(rows):
    assert identity(rows, "bounded").last_used_at.isoformat() == "2026-11-01T10:00:00+00:00"
    assert identity(rows, "deny-all").tags == {"team": "support"}
