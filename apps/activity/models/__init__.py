from apps.activity.models.deeds import DeedHour, HourDue
from apps.activity.models.delivery import IngestRequest, Stream
from apps.activity.models.event import Event, Payload
from apps.activity.models.event_row import EventRow
from apps.activity.models.invocation import Cursor, Invocation, Link
from apps.activity.models.keeping import Archive, Erasure
from apps.activity.models.logs import LogImport, LogRecord
from apps.activity.models.measured import AllowedCall, DriftedCall, GrantUse, OutsideCall, UseBasis
from apps.activity.models.nameless import Nameless
from apps.activity.models.reconstruction import Reconstruction
from apps.activity.models.search import SavedSearch
from apps.activity.models.sighting import KnownCall, Sighting
from apps.activity.models.use import UseHour

__all__ = [
    "AllowedCall",
    "Archive",
    "Cursor",
    "DeedHour",
    "DriftedCall",
    "Erasure",
    "Event",
    "EventRow",
    "GrantUse",
    "HourDue",
    "IngestRequest",
    "Invocation",
    "KnownCall",
    "Link",
    "LogImport",
    "LogRecord",
    "Nameless",
    "OutsideCall",
    "Payload",
    "Reconstruction",
    "SavedSearch",
    "Sighting",
    "Stream",
    "UseBasis",
    "UseHour",
]
