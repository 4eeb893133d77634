"""Files that are no logs, or mean harm: named, bounded, and nothing half written."""

import gzip
import io
import json
import resource
import zipfile

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.activity.formats import archives
from apps.activity.models import Event, LogRecord, Payload
from apps.activity.states import LogFormat
from apps.proof.models import Log
from tests.activity.logs import as_lines, bring, delivered, event, stream

pytestmark = pytest.mark.django_db

MEGABYTE = 1024 * 1024
MAPPING = {"name": "eventName", "happened_at": "eventTime", "original_id": "eventID"}
EVERY = sorted(LogFormat.values)


def of(log_format):
    mapping = MAPPING if log_format == "generic" else None
    return stream(log_format, mapping=mapping, kind="aws" if log_format == "cloudtrail" else "x")


def packed(**members):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, held in members.items():
            archive.writestr(name, held)
    return raw.getvalue()


def is_whole():
    """Each event has its key and its place in the log."""
    count = Event.objects.count()
    assert LogRecord.objects.count() == count
    assert (Log.objects.filter(name="activity").first() or Log(size=0)).size == count


WRONG = {
    "nothing": b"",
    "zeros": b"\0" * 5000,
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
    "UTF-16": json.dumps(event(1)).encode("utf-16"),
    "a page": b"<!doctype html>\n<html></html>\n",
    "a number": b"17",
    "a text": b'"Records"',
    "a list of lists": b"[[[]]]",
    "no list": b'{"Records": 7}',
    "a document of something else": b'{"Users": []}',
    "deep": b'{"eventName": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep within": b'{"Records": [{"a": ' + b'{"a":' * 200 + b"1" + b"}" * 200 + b"}]}",
    "a zip of nothing": packed(),
    "a broken zip": packed(**{"a.json": b"{}" * 500})[:-40],
    "a gzip of a gzip": gzip.compress(gzip.compress(b"{}")),
    "a gzip cut off": delivered(*(event(number) for number in range(50)))[:40],
    "a header alone": b"\x1f\x8b",
    "half a surrogate": b'{"Records": [{"eventName": "\\ud800", "eventSource": "x"}]}',
    "half a surrogate in a line": b'{"eventName": "\\ud800", "eventSource": "x"}',
}


@pytest.mark.parametrize("raw", WRONG.values(), ids=WRONG)
def test_what_is_no_log_is_said_to_be_none(raw):
    for log_format in EVERY:
        held = bring(of(log_format), raw, name="wrong")

        assert held.is_over
        assert held.status == ("failed" if held.unreadable and not held.read else "done")
        assert all(one["file"].startswith("wrong") and one["why"] for one in held.troubles)
    is_whole()


def test_a_log_cut_off_is_kept_up_to_there_and_not_called_complete():
    log = stream()
    raw = gzip.compress(as_lines(*(event(number, note="x" * 400) for number in range(3000))))

    held = bring(log, raw[: len(raw) // 2], name="cut.gz")

    log.refresh_from_db()
    assert (held.status, held.unreadable) == ("done", 1)
    assert 0 < held.kept < 3000
    assert held.troubles[0]["line"] == held.kept + 1
    assert "breaks off" in held.said
    assert log.complete_until is None
    is_whole()


def bombs():
    yield "a line of zeros", gzip.compress(b"\0" * (64 * MEGABYTE))
    yield "empty lines", gzip.compress(b"\n" * (40 * MEGABYTE))
    yield "an endless list", gzip.compress(b'{"Records": [' + b"[" * (40 * MEGABYTE))
    yield "an endless text", gzip.compress(b'{"Records": ["' + b"a" * (40 * MEGABYTE))
    yield "a zip", packed(a=b"\0" * (64 * MEGABYTE))


@pytest.mark.parametrize("raw", [one for _, one in bombs()], ids=[name for name, _ in bombs()])
def test_a_bomb_is_refused_without_taking_the_memory(raw):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    held = bring(stream(), raw, name="bomb")

    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert held.status == "failed"
    assert held.said.startswith("Nothing of it could be read. bomb")
    assert grown * 1024 < 40 * MEGABYTE
    is_whole()


def test_a_line_that_is_too_long_is_passed_over():
    long = json.dumps(event(2, note="x" * (5 * MEGABYTE)))

    held = bring(stream(), as_lines(event(1), long, event(3)))

    assert (held.kept, held.unreadable) == (2, 1)
    assert held.troubles[0] == {
        "file": "log.json",
        "line": 2,
        "why": "A record is larger than 4 MB.",
    }


def test_large_records_are_kept_batch_by_batch():
    lines = [
        json.dumps(event(number, requestParameters={"a": "x" * 200_000})) for number in range(120)
    ]

    held = bring(stream(), as_lines(*lines))

    assert held.kept == 120
    assert Payload.objects.count() == 120


def test_what_a_record_says_cannot_leave_its_column():
    odd = 'a\tb\nc\\N\\.\r"\0\u2028' + "é" * 300

    held = bring(
        stream(),
        delivered(
            event(1, eventName=odd, requestID=odd, sourceIPAddress=odd, eventID=odd),
            event(2),
        ),
    )

    assert held.kept == 2
    assert Event.objects.filter(request_id="R2").count() == 1
    assert all("\0" not in one.name for one in Event.objects.all())
    is_whole()


@pytest.mark.parametrize("year", ["1969", "2300", "2600", "9999"])
def test_a_time_out_of_reach_is_no_time_and_its_record_is_kept(year):
    far = event(1, eventTime=f"{year}-12-31T23:59:59Z")

    held = bring(stream(), delivered(far, event(2)))

    assert (held.kept, held.unreadable) == (2, 0)
    is_whole()


def test_a_zip_that_names_too_many_files_is_not_opened(monkeypatch):
    monkeypatch.setattr(archives, "MOST_FILES", 3)

    held = bring(stream(), packed(**{f"{number}": b"{}" for number in range(4)}), name="many.zip")

    assert (held.status, held.troubles[0]["why"]) == ("failed", archives.CLAIMS)


def test_an_encrypted_file_of_a_zip_is_named_and_the_others_are_read():
    raw = bytearray(packed(**{"secret": b"x", "log.json": as_lines(event(1))}))
    at = raw.find(b"PK\x01\x02")
    raw[at + 8] |= 1

    held = bring(stream(), bytes(raw), name="logs.zip")

    assert (held.kept, held.unreadable) == (1, 1)
    assert held.troubles[0] == {"file": "logs.zip: secret", "line": 0, "why": "It is encrypted."}


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["2026-07-10T11:00:00Z", "s3.amazonaws.com", "\0", "\ud800", "x" * 500]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = (
    "eventName", "eventSource", "eventTime", "eventID", "requestID", "userIdentity", "readOnly",
    "requestParameters", "recipientAccountId", "CloudTrailEvent", "auditID", "verb", "stage",
    "user", "objectRef", "requestReceivedTimestamp", "type", "time", "request", "auth", "action",
    "@timestamp", "_document_id", "hashed_token", "sourceIPs", "Records",
)  # fmt: skip
records = st.dictionaries(st.sampled_from(NAMES), values, max_size=8)


@pytest.mark.parametrize("log_format", EVERY)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(told=st.lists(records, max_size=4), noise=st.binary(max_size=30), cut=st.integers(0, 60))
def test_no_record_whatever_it_says_stops_the_others(log_format, told, noise, cut):
    good = {
        **event(7),
        "auditID": "a", "verb": "get", "stage": "ResponseComplete", "type": "response",
        "request": {"id": "r", "operation": "read", "path": "p"}, "action": "git.clone",
    }  # fmt: skip
    lines = [json.dumps(one) for one in (good, *told, good)]
    raw = "\n".join(lines).encode() + b"\n" + noise
    with transaction.atomic():
        held = bring(of(log_format), raw)
        whole = bring(of(log_format), gzip.compress(raw)[: -cut or None])
        transaction.set_rollback(True)

    assert held.is_over
    assert whole.is_over
    assert held.kept >= 1 or held.repeated >= 1
