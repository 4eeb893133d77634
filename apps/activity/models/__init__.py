from apps.activity.models.deeds import DeedHour, HourDue
from apps.activity.models.delivery import IngestRequest, Stream
from apps.activity.models.event import Event, Payload
from apps.activity.models.event_row import EventRow
from apps.activity.models.invocation import Cursor, Invocation, Link
from apps.activity.models.sighting import KnownCall, Sighting
from apps.activity.models.use import UseHour

__all__ = [
    "Cursor",
    "DeedHour",
    "Event",
    "EventRow",
    "HourDue",
    "IngestRequest",
    "Invocation",
    "KnownCall",
    "Link",
    "Payload",
    "Sighting",
    "Stream",
    "UseHour",
]
