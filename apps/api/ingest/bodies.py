"""What is read of a request, and how much of it; and what is answered."""

import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from apps.activity.conventions import otlp
from apps.api.ingest.senders import Refusal

LARGEST_BODY = 16 * 1024 * 1024

type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


def content_type_of(headers: Mapping[str, str]) -> str:
    """One of the two of OTLP; anything else is a 415."""
    told = headers.get("content-type", "").partition(";")[0].strip().lower()
    if told not in (otlp.PROTOBUF, otlp.JSON):
        raise Refusal(415, f"Send {otlp.PROTOBUF} or {otlp.JSON}.")
    return told


async def body_of(
    headers: Mapping[str, str], receive: Receive, take: Callable[[int], None]
) -> bytes:
    """The whole body, unpacked. Neither what comes nor what it unpacks to exceeds the limit.

    Room is taken for each byte before it is held.
    """
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "The body did not come whole.")
        part = message.get("body", b"")
        size += len(part)
        if size > LARGEST_BODY:
            raise Refusal(413, f"A body has at most {LARGEST_BODY} bytes.")
        take(len(part))
        parts.append(part)
        if not message.get("more_body"):
            break
    encoding = headers.get("content-encoding", "identity").strip().lower()
    unpacked = _unpacked(b"".join(parts), encoding)
    take(len(unpacked))
    return unpacked


def _unpacked(body: bytes, encoding: str) -> bytes:
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise Refusal(415, "A body is packed with gzip, or not at all.")
    unpacking = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacking.decompress(body, LARGEST_BODY + 1)
    except zlib.error as error:
        raise Refusal(400, "The body says it is gzip and is not.") from error
    if len(unpacked) > LARGEST_BODY:
        raise Refusal(413, f"A body has at most {LARGEST_BODY} bytes once it is unpacked.")
    if not unpacking.eof:
        raise Refusal(400, "The body says it is gzip and ends too early.")
    return unpacked


def status_body(message: str, content_type: str) -> bytes:
    """A failure as the protocol wants it: a google.rpc.Status with its message alone."""
    if content_type == otlp.JSON:
        return orjson.dumps({"message": message})
    text = message.encode()[:1000]
    size = bytearray()
    length = len(text)
    while length > 127:
        size.append(length & 127 | 128)
        length >>= 7
    return b"\x12" + bytes([*size, length]) + text


async def respond(send: Send, status: int, body: bytes, content_type: str, **headers: str) -> None:
    told = {
        "content-type": content_type,
        "content-length": str(len(body)),
        "cache-control": "no-store",
    }
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode()) for name, value in told.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})
