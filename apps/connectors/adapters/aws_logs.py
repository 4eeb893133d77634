"""CloudTrail as a whole: the objects that a trail writes to S3, or the history of events.

The history holds 90 days of management calls in each region, and is asked slice by slice, oldest
first, so that what was had is whole up to where it broke off. A trail's files also hold calls for
data, where it was told to record them.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from apps.connectors.adapters.aws_client import FAILURES, Clients, translated
from apps.connectors.adapters.aws_trail import COMPLETE_AFTER, GLOBAL_REGIONS
from apps.connectors.adapters.live import Check, ProviderError, Refused
from apps.connectors.adapters.log_parts import LogPart, LogPiece

KEPT_BY_HISTORY = timedelta(days=90)
SLICE = timedelta(days=1)
FOLDER = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/?(.*)")
ACCOUNT = re.compile(r"(?:^|/)(\d{12})(?:/|$)")
STAMP = re.compile(r"_(\d{8}T\d{4})Z_[^/]*$")
LARGEST_OBJECT, IN_MEMORY, CHUNK = 512 * 1024 * 1024, 8 * 1024 * 1024, 1024 * 1024
HISTORY, FILES = "history", "files"


def parts(clients: Clients, told: Mapping[str, Any]) -> Sequence[LogPart]:
    """Each account's trail, where it is told of; else the history of each of its regions."""
    found = [_trail(clients, place) for place in told.get("trails") or ()]
    of_trails = {part.account for part in found}
    always = GLOBAL_REGIONS.get(clients.partition, "")
    regions = dict.fromkeys([*clients.regions, *([always] if always else [])])
    for account in clients.accounts():
        if account not in of_trails:
            found += [
                LogPart(f"{HISTORY}:{account}:{region}", f"Events of {region}", account)
                for region in regions
            ]
    return found


def read(clients: Clients, part: LogPart, since: datetime, now: datetime) -> Iterator[LogPiece]:
    """What was recorded since then, oldest first; each says what everything is had until."""
    how, _, where = part.key.partition(":")
    if how == FILES:
        return _files(clients, where, since, now)
    return _history(clients, part.account, where.partition(":")[2], since, now)


def check(clients: Clients, told: Mapping[str, Any]) -> Iterator[Check]:
    """Whether each trail that is named can be listed."""
    for place in told.get("trails") or ():
        try:
            regions = _regions(clients, *_folder(place))
        except ProviderError as error:
            yield Check("s3:ListBucket", worked=False, said=f"{place}: {error.said}")
        else:
            yield Check("s3:ListBucket", worked=True, said=f"{place}: {', '.join(regions)}")


def rights(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What reading the trails takes."""
    places = [FOLDER.fullmatch(str(one)) for one in told.get("trails") or ()]
    folders = [f"arn:aws:s3:::{one[1]}/{one[2].strip('/')}" for one in places if one]
    if not folders:
        return []
    buckets = sorted({one.partition("/")[0] for one in folders})
    return [
        {
            "Sid": "CountersignTrails",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": [*buckets, *(f"{one.rstrip('/')}/*" for one in folders)],
        }
    ]


# The history of events.


def _history(
    clients: Clients, account: str, region: str, since: datetime, now: datetime
) -> Iterator[LogPiece]:
    until = now - COMPLETE_AFTER
    start = max(since, now - KEPT_BY_HISTORY)
    while start < until:
        end = min(start + SLICE, until)
        name = f"CloudTrail in {region}, {start:%Y-%m-%d}"
        for page in clients.pages(
            "cloudtrail",
            "lookup_events",
            account=account,
            region=region,
            patient=True,
            StartTime=start,
            EndTime=end,
        ):
            if page["Events"]:
                yield LogPiece(name, _lines(page["Events"]))
        yield LogPiece(name, until=end)
        start = end


def _lines(events: Sequence[Mapping[str, Any]]) -> BytesIO:
    told = (json.dumps({"CloudTrailEvent": one.get("CloudTrailEvent")}) for one in events)
    return BytesIO("\n".join(told).encode())


# The files of a trail.


def _files(clients: Clients, place: str, since: datetime, now: datetime) -> Iterator[LogPiece]:
    """Day by day over all regions: a quiet region writes nothing, a trail that works writes."""
    bucket, folder = _folder(place)
    regions = _regions(clients, bucket, folder)
    newest, day = since, (since - COMPLETE_AFTER).date()
    while day <= now.date():
        for region in regions:
            prefix = f"{folder}CloudTrail/{region}/{day:%Y/%m/%d}/"
            for key in _keys(clients, bucket, prefix):
                stamp = _stamp(key)
                if stamp is not None and stamp < since - COMPLETE_AFTER:
                    continue
                with _object(clients, bucket, key) as file:
                    yield LogPiece(key.rpartition("/")[2], file)
                newest = max(newest, stamp or newest)
        # What is delivered late stands in later files.
        yield LogPiece(f"{place} of {day}", until=max(since, newest - COMPLETE_AFTER))
        day += timedelta(days=1)


def _trail(clients: Clients, place: str) -> LogPart:
    _, folder = _folder(place)
    named = ACCOUNT.findall(folder)
    account = named[-1] if named else clients.home()
    return LogPart(f"{FILES}:{place}", f"Files in {place}", account)


def _folder(place: str) -> tuple[str, str]:
    """The bucket, and the folder in it that holds `CloudTrail/`."""
    found = FOLDER.fullmatch(place.strip())
    if found is None:
        raise Refused(f"{place} is no place in S3: it has to be s3://bucket/folder.")
    folder = found[2].strip("/")
    return found[1], f"{folder}/" if folder else ""


def _regions(clients: Clients, bucket: str, folder: str) -> list[str]:
    prefix = f"{folder}CloudTrail/"
    pages = clients.pages(
        "s3", "list_objects_v2", account="", Bucket=bucket, Prefix=prefix, Delimiter="/"
    )
    found = [
        str(one["Prefix"]).removeprefix(prefix).strip("/")
        for page in pages
        for one in page.get("CommonPrefixes") or ()
    ]
    if not found:
        raise Refused(f"There is nothing in s3://{bucket}/{prefix}.", call="s3:ListBucket")
    return found


def _keys(clients: Clients, bucket: str, prefix: str) -> Iterator[str]:
    for page in clients.pages(
        "s3", "list_objects_v2", account="", patient=True, Bucket=bucket, Prefix=prefix
    ):
        for one in page.get("Contents") or ():
            yield str(one["Key"])


def _stamp(key: str) -> datetime | None:
    """When a file was delivered, as its name says."""
    found = STAMP.search(key)
    try:
        return datetime.strptime(found[1], "%Y%m%dT%H%M").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def _object(clients: Clients, bucket: str, key: str) -> BinaryIO:
    said = clients.call("s3", "get_object", account="", patient=True, Bucket=bucket, Key=key)
    if int(said.get("ContentLength") or 0) > LARGEST_OBJECT:
        raise Refused(f"{key} is larger than 512 MB.", call="s3:GetObject")
    held = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  (whoever reads it closes it)
    try:
        while chunk := said["Body"].read(CHUNK):
            held.write(chunk)
    except FAILURES as error:
        held.close()
        raise translated(error, "s3:GetObject") from None
    held.seek(0)
    return cast("BinaryIO", held)
