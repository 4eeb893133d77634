"""What a whole log may still not hold, by its format: of such calls its silence says nothing.

A log that once held one of them records them, and then its silence counts again.
"""

from collections.abc import Collection, Iterable
from functools import lru_cache

from apps.activity.allowing import Call
from apps.activity.states import LogFormat
from apps.grants.patterns import overlap
from apps.grants.states import Level

# Data events of AWS, by what allows them: a trail records them where somebody chose to, and the
# history that LookupEvents reads never does.
DATA_EVENTS: dict[str, tuple[str, ...]] = {
    "s3": (
        "AbortMultipartUpload", "BypassGovernanceRetention", "DeleteObject", "DeleteObjectTagging",
        "DeleteObjectVersion", "DeleteObjectVersionTagging", "GetObject", "GetObjectAcl",
        "GetObjectAttributes", "GetObjectLegalHold", "GetObjectRetention", "GetObjectTagging",
        "GetObjectTorrent", "GetObjectVersion", "GetObjectVersionAcl",
        "GetObjectVersionAttributes", "GetObjectVersionTagging", "GetObjectVersionTorrent",
        "ListBucket", "ListBucketMultipartUploads", "ListBucketVersions",
        "ListMultipartUploadParts", "PutObject", "PutObjectAcl", "PutObjectLegalHold",
        "PutObjectRetention", "PutObjectTagging", "PutObjectVersionAcl",
        "PutObjectVersionTagging", "ReplicateDelete", "ReplicateObject", "ReplicateTags",
        "RestoreObject",
    ),
    "lambda": ("InvokeAsync", "InvokeFunction", "InvokeFunctionUrl"),
    "dynamodb": (
        "BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "GetItem",
        "GetRecords", "GetShardIterator", "PartiQLDelete", "PartiQLInsert", "PartiQLSelect",
        "PartiQLUpdate", "PutItem", "Query", "Scan", "UpdateItem",
    ),
    "sqs": ("ChangeMessageVisibility", "DeleteMessage", "ReceiveMessage", "SendMessage"),
    "sns": ("Publish",),
    "kinesis": (
        "GetRecords", "GetShardIterator", "PutRecord", "PutRecords", "SubscribeToShard",
    ),
    "firehose": ("PutRecord", "PutRecordBatch"),
    "logs": ("PutLogEvents",),
    "cloudwatch": ("GetMetricData", "GetMetricStatistics", "GetMetricWidgetImage", "ListMetrics",
                   "PutMetricData"),
    "xray": ("PutTelemetryRecords", "PutTraceSegments"),
    "events": ("PutEvents",),
    "bedrock": (
        "ApplyGuardrail", "InvokeAgent", "InvokeFlow", "InvokeInlineAgent",
        "InvokeModelWithBidirectionalStream", "Retrieve", "RetrieveAndGenerate",
    ),
    "sagemaker": ("InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"),
    "execute-api": ("Invoke", "ManageConnections"),
    "appsync": ("GraphQL",),
    "iot": ("Connect", "Publish", "Receive", "Subscribe"),
    "ebs": ("GetSnapshotBlock", "ListChangedBlocks", "ListSnapshotBlocks", "PutSnapshotBlock"),
    "rds-data": ("BatchExecuteStatement", "BeginTransaction", "CommitTransaction",
                 "ExecuteStatement", "RollbackTransaction"),
    "rds-db": ("connect",),
    "es": ("ESHttpDelete", "ESHttpGet", "ESHttpHead", "ESHttpPatch", "ESHttpPost", "ESHttpPut"),
    "cassandra": ("Modify", "Select"),
    "verifiedpermissions": ("BatchIsAuthorized", "IsAuthorized", "IsAuthorizedWithToken"),
    "s3express": ("CreateSession",),
}  # fmt: skip
# Audit logs that leave reads out, or let whoever runs them leave them out.
WITHOUT_READS = frozenset({LogFormat.GITHUB, LogFormat.KUBERNETES})
READS = "reads"


def kinds_of(
    log_format: str, service: str, level: str, actions: Iterable[Collection[str]]
) -> frozenset[str]:
    """The kinds of calls that a grant makes possible and a log of this format may not hold.

    `actions` are those of its statements that allow; none where only service and level are known.
    """
    if log_format in WITHOUT_READS:
        return frozenset({READS}) if level == Level.READ else frozenset()
    if log_format != LogFormat.CLOUDTRAIL:
        return frozenset()
    named = [one for of in actions for one in of]
    if not named:
        named = [f"{service or '*'}:*"]
    return frozenset().union(*(_data_services(one) for one in named))


def shown_by(log_format: str, call: Call) -> str:
    """The kind that a call in the log shows it to hold; blank where it is of none such."""
    if log_format in WITHOUT_READS:
        return READS if call.level == Level.READ else ""
    for action in call.actions if log_format == LogFormat.CLOUDTRAIL else ():
        service, _, verb = action.lower().partition(":")
        if verb in _verbs(service):
            return service
    return ""


def why_silent(kinds: Collection[str]) -> str:
    """As a sentence's part."""
    what = READS if READS in kinds else f"data events of {', '.join(sorted(kinds))}"
    return f"the log of the system held no {what} so far, and may not record them"


@lru_cache(maxsize=8192)
def _data_services(action: str) -> frozenset[str]:
    service = action.partition(":")[0].lower()
    found = [service] if service in DATA_EVENTS else []
    if "*" in service or "?" in service:
        found = list(DATA_EVENTS)
    return frozenset(
        one for one in found if any(overlap(action, f"{one}:{verb}") for verb in DATA_EVENTS[one])
    )


@lru_cache(maxsize=64)
def _verbs(service: str) -> frozenset[str]:
    return frozenset(verb.lower() for verb in DATA_EVENTS.get(service, ()))
