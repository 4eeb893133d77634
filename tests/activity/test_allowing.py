"""The one rule of whether a grant allowed a call: it did, it did not, or that cannot be told."""

import pytest

from apps.activity.allowing import (
    Allows,
    Held,
    Judged,
    Line,
    allows,
    allows_on,
    call_of,
    judge,
    judged,
)

ALLOWED, OUTSIDE, UNTOLD = Judged.ALLOWED, Judged.OUTSIDE, Judged.UNTOLD
CRM, MAIL = "arn:aws:s3:::crm/*", "arn:aws:s3:::mail/*"


def line(*actions, denies=False, caps=False, on=(), but=(), when=False):
    return Line(denies, actions, tuple(on), tuple(but), when, caps)


def held(*lines, kind="aws", service="s3", level="read"):
    return Held(1, kind, service, level, lines)


def get(name="s3:GetObject", kind="aws"):
    return call_of(kind, name, None)


@pytest.mark.parametrize(
    ("lines", "target", "verdict"),
    [
        # Nothing narrows it.
        ([line("s3:Get*")], "", ALLOWED),
        ([line("s3:Put*")], "", OUTSIDE),
        # Resources decide where the record names one.
        ([line("s3:Get*", on=[CRM])], "", UNTOLD),
        ([line("s3:Get*", on=[CRM])], "arn:aws:s3:::crm/a", ALLOWED),
        ([line("s3:Get*", on=[CRM])], "arn:aws:s3:::mail/a", OUTSIDE),
        ([line("s3:Get*", on=[CRM])], "crm", ALLOWED),
        ([line("s3:Get*", on=["arn:aws:s3:::crm/open/*"])], "crm", UNTOLD),
        ([line("s3:Get*", on=["arn:aws:s3:::crm/open/*"])], "mail", OUTSIDE),
        ([line("s3:Get*", but=[CRM])], "arn:aws:s3:::crm/a", OUTSIDE),
        ([line("s3:Get*", but=[CRM])], "arn:aws:s3:::mail/a", ALLOWED),
        # No record tells of conditions.
        ([line("s3:Get*", when=True)], "", UNTOLD),
        ([line("s3:Get*", when=True, on=[CRM])], "arn:aws:s3:::mail/a", OUTSIDE),
        ([line("s3:Get*", when=True), line("s3:GetObject")], "", ALLOWED),
        # A denial goes before what is allowed, where it surely held.
        ([line("s3:*"), line("s3:Get*", denies=True)], "", OUTSIDE),
        ([line("s3:*"), line("s3:Get*", denies=True, when=True)], "", UNTOLD),
        ([line("s3:*"), line("s3:Get*", denies=True, on=[CRM])], "arn:aws:s3:::crm/a", OUTSIDE),
        ([line("s3:*"), line("s3:Get*", denies=True, on=[CRM])], "arn:aws:s3:::mail/a", ALLOWED),
        ([line("s3:*"), line("s3:Get*", denies=True, on=[CRM])], "", UNTOLD),
        # A boundary allows nothing by itself, and holds back what it names.
        ([line("s3:Put*"), line("s3:Get*", caps=True)], "", OUTSIDE),
        ([line("s3:*"), line("s3:Get*", caps=True, on=[CRM])], "arn:aws:s3:::crm/a", ALLOWED),
        ([line("s3:*"), line("s3:Get*", caps=True, on=[CRM])], "arn:aws:s3:::mail/a", OUTSIDE),
        # Beside a grant stands of a boundary what it narrows alone: it leaves other calls free.
        ([line("s3:*"), line("s3:Put*", caps=True, on=[CRM])], "arn:aws:s3:::mail/a", ALLOWED),
    ],
)
def test_what_one_grant_allowed(lines, target, verdict):
    assert judge(held(*lines), get(), target) == verdict


@pytest.mark.parametrize(
    ("name", "resource", "target", "verdict"),
    [
        ("lambda:InvokeFunction", "arn:aws:lambda:eu:1:function:refund", "refund", ALLOWED),
        ("lambda:InvokeFunction", "arn:aws:lambda:eu:1:function:refund", "export", OUTSIDE),
        # A key is known by its id and by its alias, an instance is launched from an image.
        ("kms:Decrypt", "arn:aws:kms:eu:1:key/0af7", "alias/crm", UNTOLD),
        ("kms:Decrypt", "arn:aws:kms:eu:1:key/0af7", "arn:aws:kms:eu:1:alias/crm", UNTOLD),
        ("kms:Decrypt", "arn:aws:kms:eu:1:key/0af7", "arn:aws:kms:eu:1:key/ffff", OUTSIDE),
        ("ec2:RunInstances", "arn:aws:ec2:eu:1:instance/*", "arn:aws:ec2:eu::image/a", UNTOLD),
        ("ec2:AttachVolume", "arn:aws:ec2:eu:1:volume/vol-1", "i-0abc", UNTOLD),
        # What is named is of another service than what was called.
        ("glue:CreateJob", "arn:aws:glue:eu:1:job/a", "arn:aws:iam::1:role/glue", UNTOLD),
    ],
)
def test_a_resource_that_the_record_names_otherwise_cannot_be_told(name, resource, target, verdict):
    grant = held(line(name, on=[resource]), service=name.partition(":")[0])

    assert judge(grant, get(name), target) == verdict


SECRET = "arn:aws:secretsmanager:eu:1:secret:"
GROUP = "arn:aws:logs:eu:1:log-group:"
IN_B = "arn:aws:s3:::b/"


@pytest.mark.parametrize(
    ("name", "lines", "target", "verdict"),
    [
        # The end of a pattern is no name: it says nothing of what is beside it.
        ("secretsmanager:GetSecretValue", {"denies": "prod/*"}, "dev/db", ALLOWED),
        ("secretsmanager:GetSecretValue", {"denies": "prod/*"}, "prod/db", OUTSIDE),
        ("secretsmanager:GetSecretValue", {"on": "prod/*"}, "finance/db", OUTSIDE),
        ("secretsmanager:GetSecretValue", {"on": "prod/*"}, "prod/db", ALLOWED),
        # With the six characters of its ARN or without, it is the one secret.
        ("secretsmanager:GetSecretValue", {"on": "prod/db-??????"}, "prod/db", ALLOWED),
        ("secretsmanager:GetSecretValue", {"on": "prod/db-a1B2c3"}, "prod/db", UNTOLD),
        # Any of its type, or a piece of a longer name.
        ("secretsmanager:GetSecretValue", {"on": "*"}, "dev/db", UNTOLD),
        ("secretsmanager:GetSecretValue", {"on": "prod/db"}, "db", UNTOLD),
        ("secretsmanager:GetSecretValue", {"denies": "prod/db"}, "db", UNTOLD),
        ("logs:CreateLogStream", {"on": "/app/crm:*"}, "/app/crm", UNTOLD),
        ("logs:CreateLogStream", {"on": "/app/crm:*"}, "/app/mail", OUTSIDE),
        # In a bucket the key decides, where it is told.
        ("s3:GetObject", {"denies": "secret/*"}, "b/open/x", ALLOWED),
        ("s3:GetObject", {"denies": "secret/*"}, "b/secret/x", OUTSIDE),
        ("s3:GetObject", {"on": "public/*"}, "b/private/x", OUTSIDE),
        ("s3:GetObject", {"on": "public/*"}, "b/public/x", ALLOWED),
        ("s3:GetObject", {"denies": "secret/*"}, "b", UNTOLD),
    ],
)
def test_a_name_alone_is_told_from_others_like_it(name, lines, target, verdict):
    begin = {"s3": IN_B, "logs": GROUP}.get(name.partition(":")[0], SECRET)
    if "denies" in lines:
        statements = [line(name), line(name, denies=True, on=[begin + lines["denies"]])]
    else:
        statements = [line(name, on=[begin + lines["on"]])]

    assert judge(held(*statements), get(name), target) == verdict


def test_a_grant_whose_source_names_no_actions_cannot_be_told_at_its_level():
    grant = held(service="customers", kind="crm", level="write")

    assert judge(grant, get("customers:Update", "crm"), "") == UNTOLD
    assert judge(grant, get("mail:Send", "crm"), "") == OUTSIDE


@pytest.mark.parametrize(
    ("lines", "path", "verdict"),
    [
        ([line("read secret/crm/*")], "secret/crm/key", ALLOWED),
        ([line("read secret/crm/*")], "secret/hr/key", OUTSIDE),
        ([line("read secret/crm/*")], "", UNTOLD),
        (
            [line("read secret/*"), line("deny secret/hr", denies=True)],
            "secret/hr",
            OUTSIDE,
        ),
        (
            [line("read secret/*"), line("deny secret/h*", denies=True)],
            "secret/hr",
            UNTOLD,
        ),
    ],
)
def test_a_path_of_vault_decides(lines, path, verdict):
    assert judge(held(*lines, kind="vault"), get("vault:read", "vault"), path) == verdict


def test_of_several_grants_the_one_that_surely_allows_it_holds():
    sure, doubtful, other = (
        held(line("s3:GetObject")),
        held(line("s3:GetObject", when=True)),
        held(line("s3:Put*")),
    )

    assert judged([other, doubtful, sure], get(), "") == ALLOWED
    assert judged([other, doubtful], get(), "") == UNTOLD
    assert judged([other], get(), "") == OUTSIDE
    assert judged([], get(), "") == OUTSIDE


@pytest.mark.parametrize(
    "grant",
    [
        held(line("s3:Get*", on=[CRM])),
        held(line("s3:Get*", when=True)),
        held(line("s3:*"), line("s3:Get*", denies=True, on=[MAIL])),
        held(line("s3:*"), line("s3:Get*", caps=True, on=[CRM])),
        held(line("s3:Put*")),
    ],
)
@pytest.mark.parametrize("target", ["", "crm", "arn:aws:s3:::crm/a", "arn:aws:s3:::mail/a"])
def test_use_counts_what_is_not_surely_outside_by_the_same_rule(grant, target):
    assert allows_on(grant, get(), target) == (judge(grant, get(), target) != OUTSIDE)
    told = {Allows.ALWAYS: True, Allows.NEVER: False}.get(allows(grant, get()))
    assert told in {None, allows_on(grant, get(), target)}
