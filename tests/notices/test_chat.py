"""The chat's webhook, against a real HTTP server on this machine."""

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from apps.notices import services
from apps.notices.models import Notice
from apps.notices.states import By, DeliveryStatus

SECRET = "a secret of the chat"


class Hook(ThreadingHTTPServer):
    """Keeps what it is given, and answers what it was told to."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken = []
        self.answers = (200, {}, b"ok")

    @property
    def url(self):
        return f"http://localhost:{self.server_port}/hooks/team?thread=7"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), body))
        status, headers, answer = self.server.answers
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        """Say nothing: the test's own output is read."""


@pytest.fixture
def hook(settings):
    server = Hook()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.CHAT_WEBHOOK_URL = server.url
    settings.CHAT_WEBHOOK_SECRET = SECRET
    settings.OUTBOUND_INTERNAL_HOSTS = ["localhost"]
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def say(about, actor, key="said"):
    return services.chat_send(
        kind="said",
        about=about,
        subject="Somebody asks",
        body="Judge it there.",
        dedupe_key=key,
        actor=actor,
    )


def delivered(notice):
    return services.notice_deliver(notice_id=notice.pk)


@pytest.mark.django_db
def test_a_message_reaches_the_chat_signed_and_its_answer_is_kept(hook, reviewer, system):
    notice = say(reviewer, system)
    delivery = delivered(notice)
    assert (delivery.status, delivery.answer) == (DeliveryStatus.SENT, "200 ok")
    [(path, headers, body)] = hook.taken
    assert path == "/hooks/team?thread=7"
    assert json.loads(body) == {"text": "Somebody asks\nJudge it there."}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


@pytest.mark.django_db
def test_saying_the_same_twice_posts_once(hook, reviewer, system):
    first, second = say(reviewer, system), say(reviewer, system)
    assert first == second
    assert delivered(first) is not None
    assert delivered(second) is None
    assert len(hook.taken) == 1


@pytest.mark.django_db
def test_a_busy_chat_is_tried_again_and_one_that_refuses_is_not(hook, reviewer, system):
    busy = say(reviewer, system)
    hook.answers = (503, {}, b"busy")
    assert delivered(busy).status == DeliveryStatus.QUEUED
    hook.answers = (404, {}, b"no such hook")
    refused = delivered(busy)
    assert refused.status == DeliveryStatus.FAILED
    assert "404 no such hook" in refused.answer


@pytest.mark.django_db
def test_a_redirect_is_not_followed(hook, reviewer, system):
    hook.answers = (302, {"Location": hook.url}, b"")
    assert delivered(say(reviewer, system)).status == DeliveryStatus.FAILED
    assert len(hook.taken) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "10.1.2.3",
        "0.0.0.0",  # noqa: S104
    ],
)
def test_addresses_inside_are_never_posted_to_unless_allowed(
    hook, reviewer, system, settings, host
):
    settings.OUTBOUND_INTERNAL_HOSTS = []
    settings.CHAT_WEBHOOK_URL = f"http://{host}:{hook.server_port}/"
    delivery = delivered(say(reviewer, system))
    assert delivery.status == DeliveryStatus.FAILED
    assert "is an address inside" in delivery.answer
    assert hook.taken == []


@pytest.mark.django_db
def test_outside_only_https_is_spoken(reviewer, system, settings):
    settings.CHAT_WEBHOOK_URL = "http://1.1.1.1/"
    delivery = delivered(say(reviewer, system))
    assert delivery.status == DeliveryStatus.FAILED
    assert "https://" in delivery.answer


@pytest.mark.django_db
def test_without_a_chat_nothing_is_said(reviewer, system):
    assert say(reviewer, system) is None
    assert not Notice.objects.filter(by=By.CHAT).exists()
