"""Handing a message to a chat's webhook: signed, and never to an address inside the house.

The signature follows the Standard Webhooks specification (headers `webhook-id`,
`webhook-timestamp`, `webhook-signature`); the body is what Slack, Mattermost, and their kin take.
"""

import base64
import hashlib
import hmac
import ipaddress
import json
import socket
import ssl
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from apps.notices.models import Notice

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

TIMEOUT = 10.0
MOST_ANSWER_BYTES = 500
HEAL = {408, 425, 429}


class Refused(ValueError):
    """It cannot be delivered, however often it is tried."""


class PutOff(OSError):
    """The other side cannot take it now."""


def is_configured() -> bool:
    return bool(settings.CHAT_WEBHOOK_URL)


def host() -> str:
    """Whom the messages go to, without what an address may hide."""
    return urlsplit(settings.CHAT_WEBHOOK_URL).hostname or ""


def chat_post(notice: Notice) -> str:
    """Post a notice, and return what the chat answered.

    Redirects are not followed: where they lead was never allowed. `Refused` where trying again
    cannot help; any other `OSError` may heal.
    """
    parts = urlsplit(settings.CHAT_WEBHOOK_URL)
    body = json.dumps({"text": f"{notice.subject}\n{notice.body}"}).encode()
    connection = _connection(parts)
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    try:
        connection.request("POST", path, body=body, headers=_headers(notice, body))
        response = connection.getresponse()
        answer = f"{response.status} {response.read(MOST_ANSWER_BYTES).decode(errors='replace')}"
    except HTTPException as error:
        raise PutOff(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()
    return _judged(response.status, answer.strip())


def _judged(status: int, answer: str) -> str:
    if 200 <= status < 300:
        return answer
    if status >= 500 or status in HEAL:
        raise PutOff(answer)
    raise Refused(answer)


def _headers(notice: Notice, body: bytes) -> dict[str, str]:
    identity, moment = f"notice-{notice.pk}", str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Countersign",
        "webhook-id": identity,
        "webhook-timestamp": moment,
    }
    if settings.CHAT_WEBHOOK_SECRET:
        signed = f"{identity}.{moment}.".encode() + body
        key = settings.CHAT_WEBHOOK_SECRET.encode()
        digest = hmac.new(key, signed, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers


def _connection(parts: SplitResult) -> HTTPConnection:
    """A connection to the very address that was judged: a name may mean another a moment later."""
    secure = parts.scheme == "https"
    name, port = parts.hostname or "", parts.port or (443 if secure else 80)
    addresses = _addresses(name, port)
    if not secure and all(map(_is_outside, addresses)):
        raise Refused("The chat's webhook must begin with https://.")
    stream = _reached(addresses, port)
    connection = HTTPSConnection(name, port) if secure else HTTPConnection(name, port)
    context = ssl.create_default_context()
    connection.sock = context.wrap_socket(stream, server_hostname=name) if secure else stream
    return connection


def _reached(addresses: list[Address], port: int) -> socket.socket:
    """A connection to the first of these addresses that answers."""
    for address in addresses[:-1]:
        with suppress(OSError):
            return socket.create_connection((str(address), port), timeout=TIMEOUT)
    return socket.create_connection((str(addresses[-1]), port), timeout=TIMEOUT)


def _addresses(name: str, port: int) -> list[Address]:
    """The addresses of this host; refused where one is inside and the host was not allowed."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    inside = [one for one in addresses if not _is_outside(one)]
    if inside and name not in settings.CHAT_WEBHOOK_INTERNAL_HOSTS:
        raise Refused(
            f"{name} is an address inside ({inside[0]}). Name it in CHAT_WEBHOOK_INTERNAL_HOSTS"
            " to allow it."
        )
    return addresses


def _is_outside(address: Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return address.is_global and not address.is_multicast and (mapped is None or mapped.is_global)
