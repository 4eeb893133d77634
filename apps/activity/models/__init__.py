from apps.activity.models.delivery import IngestRequest, Stream
from apps.activity.models.event import Event, Payload
from apps.activity.models.invocation import Cursor, Invocation, Link
from apps.activity.models.keeping import Archive, Erasure

__all__ = [
    "Archive",
    "Cursor",
    "Erasure",
    "Event",
    "IngestRequest",
    "Invocation",
    "Link",
    "Payload",
    "Stream",
]
