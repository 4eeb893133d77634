"""Taking records in: whose they are, their headers and leaves, and one COPY for a batch."""

import hashlib
import hmac
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db import connection, transaction
from django.utils import timezone

from apps.activity.models import IngestRequest
from apps.activity.readings import Reading
from apps.activity.services.scrub import scrubbed
from apps.core.jobs import enqueue
from apps.proof.merkle import leaf_hash
from apps.proof.services import leaves_append

LOG = "activity"
LARGEST_PAYLOAD = 256 * 1024
EVENT_COLUMNS = (
    "log_id, leaf_index, recorded_at, happened_at, ended_at, kind, agent_id, identity_id,"
    " credential_id, system_id, trace_id, span_id, parent_id, correlation, carried_by,"
    " request_id, name, target, level, outcome, severity, address, header"
)
PAYLOAD_COLUMNS = "log_id, leaf_index, recorded_at, salt, body"


@dataclass(frozen=True, slots=True)
class Whose:
    """What a reading is of, as the credential that delivered it, or the inventory, says."""

    agent_id: int | None = None
    agent: str = ""
    identity_id: int | None = None
    credential_id: int | None = None
    system_id: int | None = None
    attested_by: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One body: who sent it, the digest of its exact bytes, and what it says of whom."""

    sender: str
    digest: bytes
    readings: Sequence[tuple[Reading, Whose]]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery: the leaves [first, first + count), new or taken in before."""

    first: int
    count: int
    is_repeat: bool = False


def deliveries_append(deliveries: Sequence[Delivery]) -> list[Receipt]:
    """Keep these bodies for good, in one transaction; a body seen before is not kept again.

    When it returns, everything is committed and sealed into the log of activity.
    """
    now = timezone.now()
    made = [_Prepared.of(one, now) for one in deliveries]
    with transaction.atomic():
        return _append(deliveries, made, now)
