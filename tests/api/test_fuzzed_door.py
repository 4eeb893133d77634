"""Whatever is thrown at the door: an answer with a reason, all of a body or nothing, and memory
that does not grow with what is sent."""

import gzip
import json
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.activity.conventions import otlp
from apps.activity.models import Event
from apps.activity.services import append
from apps.api.ingest import bodies
from config.launcher.services import free_port
from tests.activity.making import protobuf
from tests.api.test_ingest import SPAN, post, send, traces
from tests.api.test_killed_door import environment_on
from tests.doors import door_process
from tests.doors import post as send_to
from tests.processes import database_url

pytestmark = pytest.mark.django_db(transaction=True)

ANSWERS = {200, 400, 413, 415, 429}
JSON_BODY = json.dumps(traces(*({**SPAN, "spanId": f"{one:016x}"} for one in range(1, 4)))).encode()
WIRE_BODY = protobuf({**SPAN, "attributes": SPAN["attributes"]})
FUZZ = settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@st.composite
def spoiled(draw, body):
    """A real body with a few bytes changed, dropped, repeated, or put in."""
    told = bytearray(body)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(told) - 1)))
        how = draw(st.sampled_from(["change", "drop", "repeat", "put"]))
        if how == "change" and told:
            told[at] = draw(st.integers(0, 255))
        elif how == "drop":
            del told[at : at + draw(st.integers(1, 20))]
        elif how == "repeat":
            told[at:at] = told[at : at + draw(st.integers(1, 200))]
        else:
            told[at:at] = draw(st.binary(max_size=20))
    return bytes(told)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30).filter(lambda text: text.isprintable() or "\0" in text),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [*SPAN, "kind", "status", "events", "links", "traceState", "droppedAttributesCount"]
)


@st.composite
def misshapen(draw):
    """Valid JSON in the shape of OTLP whose fields hold what nobody expects there."""
    span = {**SPAN, **draw(st.dictionaries(NAMES, VALUES, max_size=3))}
    if draw(st.booleans()):
        span["attributes"] = [{"key": draw(st.text(max_size=20)), "value": draw(VALUES)}]
    told = json.dumps(traces(SPAN, span), allow_nan=draw(st.booleans()) or True)
    return told.encode(errors="surrogatepass")


def assert_all_or_nothing(caller, path, body, kind, **headers):
    before = Event.objects.count()

    (answer,) = send(post(caller, path, content=body, kind=kind, headers=headers))

    more = Event.objects.count() - before
    assert answer.status_code in ANSWERS
    if answer.status_code != 200:
        assert more == 0
        assert answer.content
    return answer, more


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs"])
@pytest.mark.parametrize("kind", [otlp.JSON, otlp.PROTOBUF])
def test_spoiled_bodies_are_taken_whole_or_refused(caller, path, kind):
    @FUZZ
    @given(spoiled(JSON_BODY if kind == otlp.JSON else WIRE_BODY))
    def throw(body):
        assert_all_or_nothing(caller, path, body, kind)

    throw()


def test_misshapen_json_is_taken_whole_or_refused(caller):
    @FUZZ
    @given(misshapen())
    def throw(body):
        answer, more = assert_all_or_nothing(caller, "/v1/traces", body, otlp.JSON)
        if answer.status_code == 200:
            told = answer.json().get("partialSuccess", {})
            # A body that came before is acknowledged and adds nothing.
            assert more in {0, 2 - int(told.get("rejectedSpans", 0))}

    throw()


def test_spoiled_gzip_and_odd_headers_are_answered(caller):
    @FUZZ
    @given(spoiled(gzip.compress(JSON_BODY)), st.sampled_from(["gzip", "GZIP", "br", "identity"]))
    def throw(body, encoding):
        headers = {"Content-Encoding": encoding}
        assert_all_or_nothing(caller, "/v1/traces", body, otlp.JSON, **headers)

    throw()


def test_one_body_that_the_database_refuses_takes_no_other_with_it(caller, monkeypatch):
    """Two come together; of one a record cannot be written. All others are kept, of both."""
    event_of = append.event_of

    def broken(reading, *args):
        event = event_of(reading, *args)
        return event if reading.span_id != "0" * 15 + "2" else event.replace(b"refund", b"re\0und")

    monkeypatch.setattr(append, "event_of", broken)
    bad = traces({**SPAN, "spanId": "0" * 15 + "2"}, {**SPAN, "spanId": "0" * 15 + "3"})

    good, partial = send(post(caller, json=traces()), post(caller, json=bad))

    assert (good.content, partial.status_code) == (b"{}", 200)
    assert partial.json()["partialSuccess"] == {
        "rejectedSpans": "1",
        "errorMessage": "The database cannot hold it.",
    }
    assert set(Event.objects.values_list("span_id", flat=True)) == {SPAN["spanId"], "0" * 15 + "3"}


def test_a_body_of_which_the_database_takes_nothing_is_refused_for_good(caller, monkeypatch):
    monkeypatch.setattr(append, "event_of", lambda *args: b"nonsense" * 10)

    (refused,) = send(post(caller, json=traces()))

    assert refused.status_code == 400
    assert not Event.objects.exists()


MEGABYTE = 1024


def hostile():
    """Bodies that would take many times their size, were they simply read."""
    return [
        (b"[" * bodies.LARGEST_BODY, otlp.JSON, ""),
        (b'{"resourceSpans":[' + b"{}," * 5_000_000 + b"{}]}", otlp.JSON, ""),
        (b"\x0a\x84\x80\x40\x12\x80\x80\x40" + b"\x12\x00" * 524_288, otlp.PROTOBUF, ""),
        (b'{"a":"' + b"x" * (bodies.LARGEST_BODY - 10) + b'"}', otlp.JSON, ""),
        (gzip.compress(b"[" * bodies.LARGEST_BODY), otlp.JSON, "gzip"),
        (gzip.compress(b"\0" * 200_000_000), otlp.JSON, "gzip"),
    ]


def test_memory_stays_bounded_whatever_is_sent_at_once(caller, tmp_path):
    with door_process(free_port(), environment_on(database_url()), tmp_path / "door.log") as door:
        statuses = []

        def throw(body, kind, encoding):
            headers = {"Authorization": f"Bearer {caller.token}", "Content-Type": kind}
            headers |= {"Content-Encoding": encoding} if encoding else {}
            try:
                statuses.append(send_to(door.port, "/v1/traces", body, headers)[0])
            except OSError:
                # It was answered before all of it had come, and the line cut.
                statuses.append(429)

        threads = [threading.Thread(target=throw, args=one) for one in hostile() * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)

        assert len(statuses) == len(threads)
        assert set(statuses) <= ANSWERS
        assert door.answers() == 200
        assert highest_memory(door.process.pid) < 900 * MEGABYTE
    assert not Event.objects.exists()


def highest_memory(pid):
    """The most that the largest of the processes of this session ever held, in kB."""
    highest = [0]
    for one in Path("/proc").glob("[0-9]*"):
        try:
            status, stat = (one / "status").read_text(), (one / "stat").read_text()
        except OSError:
            continue
        if int(stat.rpartition(")")[2].split()[3]) == pid:
            highest += [int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line]
    assert len(highest) > 4, "The door, its worker, and those that read."
    return max(highest)
