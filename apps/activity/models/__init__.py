from apps.activity.models.delivery import IngestRequest, Stream
from apps.activity.models.event import Event, Payload
from apps.activity.models.invocation import Cursor, Invocation, Link
from apps.activity.models.measured import AllowedCall, DriftedCall, GrantUse, UseBasis
from apps.activity.models.reconstruction import Reconstruction
from apps.activity.models.use import UseHour

__all__ = [
    "AllowedCall",
    "Cursor",
    "DriftedCall",
    "Event",
    "GrantUse",
    "IngestRequest",
    "Invocation",
    "Link",
    "Payload",
    "Reconstruction",
    "Stream",
    "UseBasis",
    "UseHour",
]
