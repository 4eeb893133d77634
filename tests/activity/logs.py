"""Logs for tests: records as systems write them, and bringing them in."""

import gzip
import io
import json
from io import StringIO
from pathlib import Path

from django.core.management import call_command

from apps.activity.formats.archives import pieces_of
from apps.activity.models import LogImport, Stream
from apps.activity.services.logs import import_open, import_run
from apps.activity.states import ImportWay, LogFormat
from apps.core.actors import System as Countersign
from tests.factories.inventory import SystemFactory

ACCOUNT = "111122223333"
ROBOT = Countersign("test")


def event(number: int = 1, **said) -> dict:
    """One of CloudTrail, a second after the one before it."""
    return {
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "eventTime": f"2026-07-10T11:{number // 60 % 60:02}:{number % 60:02}Z",
        "eventID": f"E{number}",
        "requestID": f"R{number}",
        "readOnly": True,
        "recipientAccountId": ACCOUNT,
        "sourceIPAddress": "203.0.113.9",
        "userAgent": "aws-cli",
        "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/x"},
    } | said


def as_lines(*records) -> bytes:
    said = [one if isinstance(one, str) else json.dumps(one) for one in records]
    return "\n".join(said).encode()


def delivered(*records) -> bytes:
    """A file as CloudTrail delivers it."""
    return gzip.compress(json.dumps({"Records": list(records)}).encode())


def stream(log_format: str = LogFormat.CLOUDTRAIL, *, mapping=None, **system) -> Stream:
    system.setdefault("kind", "aws")
    system.setdefault("account", ACCOUNT if system["kind"] == "aws" else "")
    return Stream.objects.create(
        system=SystemFactory(**system), log_format=log_format, mapping=mapping or {}
    )


def bring(of: Stream, raw: bytes, *, name: str = "log.json", is_whole: bool = True) -> LogImport:
    """Bring in a file, said to hold everything unless told otherwise."""
    opened = import_open(stream=of, way=ImportWay.FILE, name=name, actor=ROBOT)
    pieces = pieces_of(io.BytesIO(raw), name)
    return import_run(log_import=opened, pieces=pieces, actor=ROBOT, is_whole=is_whole)


def command(*args: str | Path) -> str:
    out = StringIO()
    call_command(*map(str, args), stdout=out)
    return out.getvalue()
