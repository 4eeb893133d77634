"""Posting to an address that somebody named, and never to one inside the house unasked.

The addresses of a host are judged, and the connection goes to those very addresses: a name may
mean another a moment later. Redirects are not followed: where they lead was never judged.
"""

import ipaddress
import re
import socket
import ssl
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

TIMEOUT = 10.0
MOST_ANSWER_BYTES = 500
NAMED = {"User-Agent": "Countersign"}
HEAL = {408, 425, 429}
PRINTABLE = re.compile(r"[!-~]+")
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
SHAPE = "An address begins with https:// and a host, and holds no name and password."


class Refused(ValueError):
    """It cannot be delivered, however often it is tried."""


class PutOff(OSError):
    """The other side cannot take it now; `retry_after` is how long it asks for, if it does."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None):
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said: a status, and the start of its words."""

    status: int
    text: str
    retry_after: timedelta | None = None

    def __str__(self) -> str:
        return f"{self.status} {self.text}".strip()

    def settled(self) -> str:
        """The answer where it took the message; `PutOff` where it may yet, else `Refused`."""
        if 200 <= self.status < 300:
            return str(self)
        if self.status >= 500 or self.status in HEAL:
            raise PutOff(str(self), retry_after=self.retry_after)
        raise Refused(str(self))


def outbound_validate(url: str) -> None:
    """Refuse what is no address to post to; for fields of forms. Its host is judged when used."""
    try:
        _parts(url)
    except Refused as error:
        raise ValidationError(str(error), code="address") from error


def outbound_post(
    url: str, *, body: bytes, headers: Mapping[str, str], hide: Collection[str] = ()
) -> Answer:
    """Post, and return the answer, whatever it is, with the words in `hide` taken out of it.

    `Refused` where the address may not be posted to; any `OSError` may heal. Neither tells the
    address, which may itself be a secret.
    """
    parts = _parts(url)
    connection = _connection(parts)
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    try:
        connection.request("POST", path, body=body, headers={**NAMED, **headers})
        response = connection.getresponse()
        text = response.read(MOST_ANSWER_BYTES).decode(errors="replace").strip()
    except HTTPException as error:
        raise PutOff(f"The answer was no HTTP ({type(error).__name__}).") from None
    finally:
        connection.close()
    for secret in filter(None, (path, *hide)):
        text = text.replace(secret, "***") if len(secret) > 1 else text
    return Answer(response.status, text, _retry_after(response))


def _retry_after(response: HTTPResponse) -> timedelta | None:
    said = response.headers.get("Retry-After", "")
    return timedelta(seconds=int(said)) if re.fullmatch(r"[0-9]{1,6}", said, re.ASCII) else None


def _parts(url: str) -> SplitResult:
    if not PRINTABLE.fullmatch(url):
        raise Refused(SHAPE)
    try:
        parts = urlsplit(url)
        named = parts.hostname and parts.port != 0
    except ValueError:
        raise Refused(SHAPE) from None
    if parts.scheme not in {"http", "https"} or not named or "@" in parts.netloc:
        raise Refused(SHAPE)
    return parts


def _connection(parts: SplitResult) -> HTTPConnection:
    """A connection to the very address that was judged."""
    secure = parts.scheme == "https"
    name, port = parts.hostname or "", parts.port or (443 if secure else 80)
    addresses = _addresses(name, port)
    if not secure and any(map(_is_outside, addresses)):
        raise Refused("Outside the house only addresses that begin with https:// are posted to.")
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
    if inside and name not in {host.lower() for host in settings.OUTBOUND_INTERNAL_HOSTS}:
        raise Refused(
            f"{name} is an address inside ({inside[0]}). Name it in OUTBOUND_INTERNAL_HOSTS to"
            " allow it."
        )
    return addresses


def _is_outside(address: Address) -> bool:
    return all(one.is_global and not one.is_multicast for one in _meant(address))


def _meant(address: Address) -> Iterator[Address]:
    """The address, and those of IPv4 that lie in it: a gateway may lead on to them."""
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        teredo = address.teredo or ()
        yield from filter(None, (address.ipv4_mapped, address.sixtofour, *teredo))
        if address in TRANSLATED:
            yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
