"""The door for OpenTelemetry: /v1/traces and /v1/logs by OTLP/HTTP, as a plain ASGI application.

It stands beside Django's pages because it does one thing often. It is acknowledged after commit:
who was told 200 never loses a record. Rules of the protocol: OTLP 1.x, "OTLP/HTTP".
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from django.db import DatabaseError, close_old_connections, connection

from apps.activity.conventions import otlp
from apps.api.ingest.bodies import (
    Receive,
    Send,
    body_of,
    content_type_of,
    headers_of,
    respond,
    status_body,
)
from apps.api.ingest.gathering import Gatherer, Unkept
from apps.api.ingest.readers import Readers, Unread
from apps.api.ingest.reading import READ
from apps.api.ingest.room import Full, Room
from apps.api.ingest.senders import Refusal, Sender, sender_of, sender_remembered

logger = logging.getLogger("countersign.ingest")
RETRY_AFTER = "2"
CANNOT_BE_HELD = "The database cannot hold it."


class Door:
    def __init__(self, readers: Readers) -> None:
        self.readers = readers
        self.gatherer = Gatherer(lambda: readers.reading)
        self.room = Room()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and scope["path"] in ("/healthz", "/readyz"):
            await _tell_health(scope["path"], send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        headers, started = headers_of(scope), time.perf_counter()
        kind = otlp.JSON if "json" in headers.get("content-type", "") else otlp.PROTOBUF
        more: dict[str, str] = {}
        try:
            with self.room.share() as take:
                status, body = 200, await self._kept(scope, headers, receive, take)
        except Refusal as refusal:
            status, body = refusal.status, status_body(refusal.message, kind)
            more = {"www_authenticate": "Bearer"} if status == 401 else {}
            more |= {"allow": "POST"} if status == 405 else {}
        except otlp.Unreadable as error:
            status, body = 400, status_body(str(error), kind)
        except Full:
            status, more = 429, {"retry_after": RETRY_AFTER}
            body = status_body("More waits to be written than can be kept soon.", kind)
        except Unread:
            status, more = 503, {"retry_after": RETRY_AFTER}
            body = status_body("It could not be read now; nothing of this was kept.", kind)
        except (Unkept, DatabaseError):
            status, more = 503, {"retry_after": RETRY_AFTER}
            body = status_body("The trail cannot be written now; nothing of this was kept.", kind)
        await respond(send, status, body, kind, **more)
        took = (time.perf_counter() - started) * 1000
        level = logging.DEBUG if status == 200 else logging.INFO
        logger.log(level, "%s %r %d %.0f ms", scope["method"], scope["path"], status, took)

    async def _kept(
        self,
        scope: Mapping[str, Any],
        headers: Mapping[str, str],
        receive: Receive,
        take: Callable[[int], None],
    ) -> bytes:
        if scope["path"] not in READ:
            raise Refusal(404, "Only /v1/traces and /v1/logs are here.")
        if scope["method"] != "POST":
            raise Refusal(405, "Only POST here.")
        scheme, _, token = headers.get("authorization", "").partition(" ")
        sender = await _sender(token.strip() if scheme.lower() == "bearer" else "")
        kind = content_type_of(headers)
        body = await body_of(headers, receive, take)
        decoded, ready = await self.readers.read(scope["path"], body, kind, sender)
        if ready is not None:
            receipt = await self.gatherer.keep(ready)
            decoded.reject(ready.count - receipt.count, CANNOT_BE_HELD)
        return otlp.answer(decoded, kind, logs=scope["path"] == "/v1/logs")

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            event = (await receive())["type"]
            if event == "lifespan.startup":
                self.readers.begin()
            else:
                self.readers.end()
            await send({"type": f"{event}.complete"})
            if event == "lifespan.shutdown":
                return


async def _sender(token: str) -> Sender:
    known = sender_remembered(token)
    return known if known is not None else await asyncio.to_thread(_sender_looked_up, token)


def _sender_looked_up(token: str) -> Sender:
    close_old_connections()
    try:
        return sender_of(token)
    finally:
        close_old_connections()


async def _tell_health(path: str, send: Send) -> None:
    """As the pages' process does: alive, and able to write."""
    if path == "/healthz":
        await respond(send, 200, b'{"status": "alive"}', otlp.JSON)
        return
    is_ready = await asyncio.to_thread(_database_answers)
    told = b'{"status": "ready"}' if is_ready else b'{"status": "not ready"}'
    await respond(send, 200 if is_ready else 503, told, otlp.JSON)


def _database_answers() -> bool:
    close_old_connections()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM activity_event LIMIT 0")
    except DatabaseError:
        return False
    finally:
        close_old_connections()
    return True
