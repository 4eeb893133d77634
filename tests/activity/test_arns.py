"""What CloudTrail names otherwise than by ARN: an ARN where that is sure, else never "outside"."""

import pytest

from apps.activity.allowing import Judged, judge
from apps.activity.arns import arn_of_queue
from apps.activity.formats.cloudtrail import read
from tests.activity.logs import event
from tests.activity.test_allowing import get, held, line

ALLOWED, OUTSIDE, UNTOLD = Judged.ALLOWED, Judged.OUTSIDE, Judged.UNTOLD
ACCOUNT = "111122223333"
TABLE = "arn:aws:dynamodb:x:1:table/a"
QUEUE = f"{ACCOUNT}/refunds"


@pytest.mark.parametrize(
    ("url", "arn"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/{}", "arn:aws:sqs:eu-west-1:{}"),
        ("https://sqs.eu-west-1.amazonaws.com/{}.fifo", "arn:aws:sqs:eu-west-1:{}.fifo"),
        ("https://sqs.us-gov-west-1.amazonaws.com/{}", "arn:aws-us-gov:sqs:us-gov-west-1:{}"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/{}", "arn:aws-cn:sqs:cn-north-1:{}"),
        ("https://sqs-fips.us-east-2.amazonaws.com/{}", "arn:aws:sqs:us-east-2:{}"),
        ("https://sqs.eu-west-1.api.aws/{}", "arn:aws:sqs:eu-west-1:{}"),
        ("https://eu-west-1.queue.amazonaws.com/{}", "arn:aws:sqs:eu-west-1:{}"),
        ("https://queue.amazonaws.com/{}", "arn:aws:sqs:us-east-1:{}"),
        ("https://vpce-0a1-b2.sqs.us-east-1.vpce.amazonaws.com/{}", "arn:aws:sqs:us-east-1:{}"),
        ("http://localhost:4566/{}", ""),
        ("https://sqs.eu-west-1.amazonaws.com.evil.example/{}", ""),
        ("https://sqs.eu-west-1.amazonaws.com/refunds", ""),
        ("refunds", ""),
    ],
)
def test_a_queue_is_known_by_its_address(url, arn):
    asked = url.format(QUEUE)

    assert arn_of_queue(asked) == arn.format(QUEUE.replace("/", ":"))


def called(source, name, **said):
    asked = said.pop("asked")
    made = {"eventSource": f"{source}.amazonaws.com", "eventName": name, "awsRegion": "eu-west-1"}
    return read(event(1, **made, requestParameters=asked, **said))


@pytest.mark.parametrize(
    ("source", "name", "asked", "target"),
    [
        ("dynamodb", "GetItem", {"tableName": "crm"}, "dynamodb:eu-west-1:{}:table/crm"),
        ("lambda", "Invoke", {"functionName": "refund"}, "lambda:eu-west-1:{}:function:refund"),
        ("ssm", "GetParameter", {"name": "/crm/key"}, "ssm:eu-west-1:{}:parameter/crm/key"),
        ("ecr", "PutImage", {"repositoryName": "crm/web"}, "ecr:eu-west-1:{}:repository/crm/web"),
        ("sns", "CreateTopic", {"name": "sold"}, "sns:eu-west-1:{}:sold"),
        ("sqs", "GetQueueUrl", {"queueName": "refunds"}, "sqs:eu-west-1:{}:refunds"),
        ("kms", "Decrypt", {"keyId": "alias/crm"}, "kms:eu-west-1:{}:alias/crm"),
        ("s3", "GetObject", {"bucketName": "crm", "key": "a/b"}, "s3:::crm/a/b"),
        ("rds", "StopDBInstance", {"dBInstanceIdentifier": "Crm"}, "rds:eu-west-1:{}:db:crm"),
    ],
)
def test_a_name_that_is_sure_becomes_an_arn(source, name, asked, target):
    assert called(source, name, asked=asked).target == "arn:aws:" + target.format(ACCOUNT)


@pytest.mark.parametrize(
    ("source", "name", "asked", "target"),
    [
        # Documents of AWS lie in no account, roles under a path that nobody names.
        ("ssm", "GetDocument", {"name": "AWS-RunShellScript"}, "AWS-RunShellScript"),
        ("ssm", "GetParameter", {"name": "/aws/service/ami"}, "/aws/service/ami"),
        ("iam", "GetRole", {"roleName": "refund"}, "refund"),
        ("secretsmanager", "GetSecretValue", {"secretId": "crm"}, "crm"),
        ("lambda", "Invoke", {"functionName": "refund:live"}, "refund:live"),
        ("dynamodb", "GetItem", {"tableName": TABLE}, TABLE),
        ("dynamodb", "GetItem", {"tableName": ["crm"]}, ""),
    ],
)
def test_what_is_not_sure_stays_what_the_log_calls_it(source, name, asked, target):
    assert called(source, name, asked=asked).target == target


def test_in_whose_account_a_name_lies_is_not_sure_where_two_are_told():
    who = {"type": "AWSAccount", "accountId": "999900001111"}

    foreign = called("dynamodb", "GetItem", asked={"tableName": "crm"}, userIdentity=who)
    elsewhere = called(
        "ecr", "PutImage", asked={"repositoryName": "crm", "registryId": "999900001111"}
    )

    assert foreign.target == "crm"
    assert "arn:" not in elsewhere.target


SQS = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:"
AT = f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/"


@pytest.mark.parametrize(
    ("name", "resource", "target", "verdict"),
    [
        # By its address, also where a record was kept before its ARN was derived.
        ("sqs:SendMessage", f"{SQS}refunds", f"{AT}refunds", ALLOWED),
        ("sqs:SendMessage", f"{SQS}ref*", f"{AT}refunds", ALLOWED),
        ("sqs:SendMessage", f"{SQS}refunds", f"{AT}wages", OUTSIDE),
        ("sqs:SendMessage", f"{SQS}refunds", "http://localhost:4566/1/refunds", UNTOLD),
        # A name of which it is not known what it names says nothing of another.
        ("iam:AddUserToGroup", "arn:aws:iam::1:group/staff", "bob", UNTOLD),
        ("iam:AddRoleToInstanceProfile", "arn:aws:iam::1:instance-profile/web", "role", UNTOLD),
        ("iam:GetRole", "arn:aws:iam::1:role/refund", "export", OUTSIDE),
        ("iam:GetRole", "arn:aws:iam::1:role/path/refund", "refund", UNTOLD),
        ("ssm:GetParameter", "arn:aws:ssm:eu:1:parameter/crm", "/crm", UNTOLD),
        ("rds:CreateDBSnapshot", "arn:aws:rds:eu:1:snapshot:nightly", "crm", UNTOLD),
        ("rds:StopDBInstance", "arn:aws:rds:eu:1:db:crm", "mail", OUTSIDE),
        ("cloudtrail:StopLogging", "arn:aws:cloudtrail:eu:1:trail/a", "b", UNTOLD),
        # A column holds 200 characters: what was cut may end as the grant says.
        ("s3:GetObject", "arn:aws:s3:::crm/*.pdf", "arn:aws:s3:::crm/".ljust(200, "x"), UNTOLD),
        ("s3:GetObject", "arn:aws:s3:::mail/*.pdf", "arn:aws:s3:::crm/".ljust(200, "x"), OUTSIDE),
    ],
)
def test_only_what_is_surely_another_lies_outside(name, resource, target, verdict):
    grant = held(line(name, on=[resource]), service=name.partition(":")[0])

    assert judge(grant, get(name), target) == verdict
