"""What AWS's records name a resource by, where they do not name it by its ARN.

As data: what is sure becomes an ARN, what is not stays the name it is. Of a name it is known at
most what type of thing it names; names tell things apart only where both are of one type.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

PARTITIONS = (
    *(("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")),
    *(("us-iso-", "aws-iso"), ("us-isob-", "aws-iso-b"), ("eusc-", "aws-eusc")),
)
REGION = r"(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)"
# A queue's URL names all of its ARN; the hosts are those of today, FIPS, dual stack, and legacy.
QUEUE = re.compile(
    rf"https?://(?:(?:vpce-[a-z0-9-]+\.)?(?:fips\.)?sqs(?:-fips)?\.{REGION}\."
    r"(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws|api\.amazonwebservices\.com\.cn)"
    rf"|(?:{REGION.replace('region', 'legacy')}\.)?queue\.amazonaws\.com(?:\.cn)?)(?::\d+)?"
    r"/(?P<account>\d{12})/(?P<name>[A-Za-z0-9_-]{1,80}(?:\.fifo)?)/?"
)
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class Named(NamedTuple):
    """A parameter that names one thing in the account and region of the call, for these calls."""

    parameter: str
    shape: str
    resource: str
    calls: str = ".*"


# By service. What of the name matches `shape` stands in the resource part of the ARN.
NAMED: Mapping[str, tuple[Named, ...]] = {
    "dynamodb": (Named("tableName", r"[A-Za-z0-9_.-]{3,255}", "table/{}"),),
    "ec2": (Named("instanceId", r"i-[0-9a-f]{8,17}", "instance/{}"),),
    "ecr": (Named("repositoryName", r"[a-z0-9._/-]{2,256}", "repository/{}"),),
    "kms": (
        Named("keyId", rf"{UUID}|mrk-[0-9a-f]{{32}}", "key/{}"),
        Named("keyId", r"alias/[A-Za-z0-9/_-]{1,250}", "{}"),
    ),
    "lambda": (Named("functionName", r"[A-Za-z0-9_-]{1,64}", "function:{}"),),
    "rds": (Named("dBInstanceIdentifier", r"[a-z][a-z0-9-]{0,62}", "db:{}"),),
    "sns": (Named("name", r"[A-Za-z0-9_-]{1,256}(?:\.fifo)?", "{}", "CreateTopic"),),
    "sqs": (
        Named("queueName", r"[A-Za-z0-9_-]{1,80}(?:\.fifo)?", "{}", "CreateQueue|GetQueueUrl"),
    ),
    "ssm": (Named("name", r"(?!/?aws/)/?[\w.-][\w./-]*", "parameter/{}", "[A-Z][a-z]+Parameter"),),
}
# With these the thing may lie in another account.
ELSEWHERE = ("registryId", "queueOwnerAWSAccountId")

# What type of thing a bare name is in the records of a service. Not in here are services whose
# calls name things of several types: a document or a parameter, a trail or a channel.
BARE = {
    "dynamodb": "table",
    "ecr": "repository",
    "lambda": "function",
    "logs": "log-group",
    "rds": "db",
    "s3": "",
    "secretsmanager": "secret",
    "sns": "",
    "sqs": "",
}
IAM_TYPES = {"Role": "role", "User": "user", "Group": "group"}
IAM_TYPE = re.compile("InstanceProfile|Role|User|Group")


def arn_in(service: str, call: str, event: Mapping[str, Any], account: str) -> str:
    """The ARN of what an event's parameters name, where that is sure; else nothing."""
    asked, region = event.get("requestParameters"), event.get("awsRegion")
    if not isinstance(asked, dict) or not isinstance(region, str):
        return ""
    url, bucket, key = asked.get("queueUrl"), asked.get("bucketName"), asked.get("key")
    if service == "sqs" and isinstance(url, str):
        return arn_of_queue(url)
    if service == "s3" and isinstance(bucket, str) and isinstance(key, str) and key:
        is_plain = re.fullmatch(r"[a-z0-9.-]{3,63}", bucket)
        return f"arn:{_partition(region)}:s3:::{bucket}/{key}" if is_plain else ""
    if not (account and region) or any(asked.get(one) not in (None, account) for one in ELSEWHERE):
        return ""
    for one in NAMED.get(service, ()):
        name = asked.get(one.parameter)
        if isinstance(name, str) and re.fullmatch(one.calls, call):
            name = name.lower() if service == "rds" else name
            if re.fullmatch(one.shape, name):
                resource = one.resource.format(name.removeprefix("/"))
                return f"arn:{_partition(region)}:{service}:{region}:{account}:{resource}"
    return ""


@lru_cache(maxsize=8192)
def arn_of_queue(url: str) -> str:
    found = QUEUE.fullmatch(url)
    if found is None:
        return ""
    region = found["region"] or found["legacy"] or "us-east-1"
    return f"arn:{_partition(region)}:sqs:{region}:{found['account']}:{found['name']}"


def bare_type(service: str, call: str) -> str | None:
    """What type of thing a bare name is in a record of this call; None where it may be several."""
    if service != "iam":
        return BARE.get(service)
    said = set(IAM_TYPE.findall(call))
    return IAM_TYPES.get(said.pop()) if len(said) == 1 else None


def _partition(region: str) -> str:
    return next((name for begins, name in PARTITIONS if region.startswith(begins)), "aws")
