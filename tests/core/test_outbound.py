"""What may be posted to: nothing inside the house that was not named, nor what a name becomes."""

import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.core.exceptions import ValidationError

from apps.core.outbound import PutOff, Refused, outbound_post, outbound_validate


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.taken.append(self.rfile.read(int(self.headers["Content-Length"])))
        status, headers, text = self.server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        """Say nothing: the test's own output is read."""


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.taken, server.answer = [], (200, {}, b"ok")
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def inside(settings, server):
    settings.OUTBOUND_INTERNAL_HOSTS = ["LocalHost"]
    return f"http://localhost:{server.server_port}/hook"


def names(monkeypatch, *answers):
    """What the name service says, one answer after the other."""
    asked, left = [], list(answers)

    def look_up(host, port, *args, **kwargs):
        asked.append(host)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in (left.pop(0) if len(left) > 1 else left[0])
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def post(url, **said):
    return outbound_post(url, body=b"{}", headers={}, **said)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",  # noqa: S104
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[2002:7f00:1::1]",
        "[64:ff9b::169.254.169.254]",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_addresses_inside_are_refused_before_anything_is_sent(server, settings, scheme, host):
    settings.OUTBOUND_INTERNAL_HOSTS = []

    with pytest.raises(Refused, match="is an address inside"):
        post(f"{scheme}://{host}:{server.server_port}/")

    assert server.taken == []


def test_a_host_inside_is_reached_once_it_is_named(server, inside):
    assert str(post(inside)) == "200 ok"
    assert server.taken == [b"{}"]


def test_another_name_of_the_same_host_is_not_let_in_by_that(server, inside):
    with pytest.raises(Refused, match="is an address inside"):
        post(inside.replace("localhost", "127.0.0.1"))


def test_a_name_with_one_address_inside_is_refused(monkeypatch):
    names(monkeypatch, ["1.1.1.1", "10.0.0.1"])

    with pytest.raises(Refused, match=r"hooks\.example\.com is an address inside \(10\.0\.0\.1\)"):
        post("https://hooks.example.com/")


def test_a_name_that_means_another_a_moment_later_is_asked_once(server, settings, monkeypatch):
    settings.OUTBOUND_INTERNAL_HOSTS = []
    reached = []
    asked = names(monkeypatch, ["1.1.1.1"], ["127.0.0.1"])
    monkeypatch.setattr(socket, "create_connection", lambda to, **_: reached.append(to) or _gone())

    with pytest.raises(OSError, match="gone"):
        post(f"https://hooks.example.com:{server.server_port}/")

    assert (asked, reached) == (["hooks.example.com"], [("1.1.1.1", server.server_port)])
    assert server.taken == []


def _gone():
    raise OSError("gone")


def test_outside_only_https_is_spoken(monkeypatch):
    names(monkeypatch, ["1.1.1.1"])

    with pytest.raises(Refused, match="https://"):
        post("http://hooks.example.com/")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server, inside, status):
    server.answer = (status, {"Location": inside}, b"")

    with pytest.raises(Refused):
        post(inside).settled()

    assert len(server.taken) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Refused),
        (404, Refused),
        (410, Refused),
        (408, PutOff),
        (429, PutOff),
        (500, PutOff),
        (503, PutOff),
    ],
)
def test_an_answer_says_whether_trying_again_can_help(server, inside, status, error):
    server.answer = (status, {}, b"why")

    with pytest.raises(error, match=f"{status} why"):
        post(inside).settled()


@pytest.mark.parametrize(
    ("said", "seconds"), [("120", 120), ("soon", None), ("-5", None), ("9" * 40, None)]
)
def test_how_long_to_wait_is_taken_from_the_answer(server, inside, said, seconds):
    server.answer = (429, {"Retry-After": said}, b"")

    answer = post(inside)

    assert (answer.retry_after and answer.retry_after.total_seconds()) == seconds


def test_an_answer_is_kept_short_and_without_what_is_hidden(server, inside):
    server.answer = (200, {}, json.dumps({"key": "s3cret", "path": "/hook"}).encode() + b"x" * 9999)

    answer = post(inside, hide=["s3cret"])

    assert answer.text.startswith('{"key": "***", "path": "***"}')
    assert len(answer.text) < 520


@pytest.mark.parametrize(
    "url",
    [
        "",
        "s3cret",
        "//example.com",
        "file:///etc/passwd",
        "gopher://example.com/",
        "https://",
        "https://user:s3cret@example.com/",
        "https://example.com:99999/",
        "https://example.com:s3cret/",
        "https://example.com/s3 cret",
        "https://example.com/s3\r\nHost: cret",
        "https://[::1/",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(url):
    with pytest.raises(ValidationError) as invalid:
        outbound_validate(url)
    with pytest.raises(Refused) as refused:
        post(url)

    assert "s3cret" not in f"{invalid.value}{refused.value}"
