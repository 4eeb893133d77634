from apps.activity.models.delivery import IngestRequest, Stream
from apps.activity.models.event import Event, Payload
from apps.activity.models.invocation import Cursor, Invocation, Link
from apps.activity.models.logs import LogImport, LogRecord

__all__ = [
    "Cursor",
    "Event",
    "IngestRequest",
    "Invocation",
    "Link",
    "LogImport",
    "LogRecord",
    "Payload",
    "Stream",
]
