"""From a body to what is to be kept of it: most of the work, done in a process of its own."""

import hashlib
from collections.abc import Callable

from apps.activity.conventions import otlp
from apps.activity.services.append import Delivery, Ready, delivery_ready
from apps.api.ingest.senders import Sender

READ: dict[str, Callable[[bytes, str], otlp.Decoded]] = {
    "/v1/traces": otlp.read_traces,
    "/v1/logs": otlp.read_logs,
}


def body_read(
    path: str, body: bytes, kind: str, sender: Sender
) -> tuple[otlp.Decoded, Ready | None]:
    """What is answered to a body, and what is to be kept of it. Raises `otlp.Unreadable`."""
    decoded = READ[path](body, kind)
    if not decoded.readings:
        return decoded, None
    digest = hashlib.sha256(path.encode() + b"\n" + body).digest()
    told = sender.attributed(decoded.readings)
    decoded.readings = []
    return decoded, delivery_ready(Delivery(sender.name, digest, told))
