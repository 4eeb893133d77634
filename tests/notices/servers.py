"""The other sides, as their own documents describe them: each refuses what its rules refuse."""

import base64
import hashlib
import hmac
import json
import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class OtherSide(ThreadingHTTPServer):
    """Keeps what it took. `instead` are answers given once each, before it judges anything."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken = []
        self.instead = []

    @property
    def host(self):
        return f"http://localhost:{self.server_port}"

    def judge(self, path, headers, body):
        raise NotImplementedError


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        given = self.server.instead.pop(0) if self.server.instead else None
        status, headers, text = given or self.server.judge(self.path, self.headers, body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        """Say nothing: the test's own output is read."""


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class PagerDuty(OtherSide):
    """Events API v2: https://developer.pagerduty.com/docs/events-api-v2/."""

    routing_key = "R0UTINGKEY" + "0" * 22

    def __init__(self):
        super().__init__()
        self.incidents = {}

    @property
    def url(self):
        return f"{self.host}/v2/enqueue"

    def judge(self, path, headers, body):
        if path != "/v2/enqueue":
            return 404, {}, "Not Found"
        try:
            event = json.loads(body)
        except ValueError:
            return _invalid("JSON could not be parsed")
        if errors := list(_errors_of(event, self.routing_key)):
            return _invalid(*errors)
        self.taken.append(event)
        key = event.get("dedup_key") or f"made-{len(self.taken)}"
        self._follow(event["event_action"], key)
        told = {"status": "success", "message": "Event processed", "dedup_key": key}
        return 202, {}, json.dumps(told)

    def _follow(self, action, key):
        """What is told of an incident that is not open is taken, and changes nothing."""
        is_open = self.incidents.get(key, "resolved") != "resolved"
        if action == "trigger":
            self.incidents[key] = self.incidents[key] if is_open else "triggered"
        elif is_open:
            self.incidents[key] = f"{action}d"


def _invalid(*errors):
    told = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
    return 400, {}, json.dumps(told)


def _errors_of(event, routing_key):
    if event.get("routing_key") != routing_key:
        yield "Invalid routing key"
    action, key = event.get("event_action"), event.get("dedup_key")
    if action not in {"trigger", "acknowledge", "resolve"}:
        yield "'event_action' must be one of trigger, acknowledge, resolve"
    if key is not None and not 1 <= len(key) <= 255:
        yield "'dedup_key' is longer than 255 characters"
    if action != "trigger":
        if key is None:
            yield "'dedup_key' is missing"
        return
    payload = event.get("payload", {})
    if not 1 <= len(payload.get("summary", "")) <= 1024:
        yield "'payload.summary' is missing or longer than 1024 characters"
    if not payload.get("source"):
        yield "'payload.source' is missing or blank"
    if payload.get("severity") not in {"critical", "error", "warning", "info"}:
        yield "'payload.severity' is invalid"


class Slack(OtherSide):
    """Incoming webhooks: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""

    path = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"

    @property
    def url(self):
        return f"{self.host}{self.path}"

    def judge(self, path, headers, body):
        if urlsplit(path).path != self.path:
            return 404, {}, "no_service"
        try:
            text = json.loads(body)["text"]
        except (ValueError, KeyError, TypeError):
            return 400, {}, "invalid_payload"
        if not text:
            return 400, {}, "no_text"
        self.taken.append(text)
        return 200, {}, "ok"


class Receiver(OtherSide):
    """Standard Webhooks: verified as the specification says, and each message taken once."""

    key = b"thirty-two bytes of a secret key"
    tolerance = 300

    def __init__(self):
        super().__init__()
        self.seen = set()

    @property
    def secret(self):
        return f"whsec_{base64.b64encode(self.key).decode()}"

    @property
    def url(self):
        return f"{self.host}/hooks/countersign"

    def judge(self, path, headers, body):
        identity, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not identity or "." in identity or not re.fullmatch(r"[0-9]+", moment):
            return 400, {}, "missing headers"
        if abs(time.time() - int(moment)) > self.tolerance:
            return 400, {}, "message timestamp too old or too new"
        signed = b".".join([identity.encode(), moment.encode(), body])
        wanted = base64.b64encode(hmac.new(self.key, signed, hashlib.sha256).digest()).decode()
        given = headers.get("webhook-signature", "").split(" ")
        if not any(hmac.compare_digest(one, f"v1,{wanted}") for one in given):
            return 401, {}, "no matching signature found"
        if identity not in self.seen:
            self.seen.add(identity)
            self.taken.append(json.loads(body))
        return 204, {}, ""
