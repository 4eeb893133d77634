"""A record's header: the exact text that is hashed, and the columns that repeat a part of it."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

import orjson
from msgspec import Struct
from msgspec.json import Encoder
from msgspec.structs import replace

from apps.activity.readings import Reading
from apps.activity.scrubbing import scrub, scrubbed

LARGEST_BODY = 256 * 1024
ADDRESS, IDENTIFIER, NAME, WHO = 64, 128, 200, 400
# What a sender puts into a header as it likes, and how long it may be: as long as its column.
CHOSEN = {
    "name": NAME,
    "target": NAME,
    "request_id": IDENTIFIER,
    "original_id": NAME,
    "principal": WHO,
    "credential": IDENTIFIER,
    "account": NAME,
    "address": ADDRESS,
    "client": NAME,
    "claimed_agent": NAME,
    "claimed_id": NAME,
    "run": NAME,
    "conversation": NAME,
    "system": NAME,
}
CHOICES = attrgetter(*CHOSEN)
SHORTEST = min(CHOSEN.values())
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The year 3000, in nanoseconds.
FIRST_IMPOSSIBLE = 32503680000 * 10**9


@dataclass(frozen=True, slots=True)
class Whose:
    """What a reading is of, as the credential that delivered it and the inventory say.

    Names stand beside ids, because the record outlives what it names.
    """

    agent_id: int | None = None
    agent: str = ""
    identity_id: int | None = None
    identity: str = ""
    credential_id: int | None = None
    system_id: int | None = None
    system: str = ""
    attested_by: str = ""
    named: dict[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """As a header says it: the same for all records of one sender, worked out once."""
        named = {
            "agent": self.agent,
            "agent_id": self.agent_id,
            "attested_by": self.attested_by,
            "credential_id": self.credential_id,
            "identity": self.identity,
            "identity_id": self.identity_id,
            "system": self.system,
            "system_id": self.system_id,
        }
        told = {name: value for name, value in named.items() if value}
        object.__setattr__(self, "named", told)


NOBODY = Whose()


class Claimed(Struct, omit_defaults=True, gc=False):
    """What the telemetry says of its agent; as in `Header`, its fields stand in order."""

    agent: str = ""
    conversation: str = ""
    id: str = ""
    run: str = ""
    system: str = ""


class Header(Struct, omit_defaults=True, gc=False):
    """What is hashed. Its fields stand in the order of their names; an empty one is left out."""

    account: str = ""
    address: str = ""
    carried_by: str = ""
    claimed: Claimed | None = None
    client: str = ""
    correlation: str = ""
    credential: str = ""
    ended: int = 0
    happened: int = 0
    kind: str = ""
    level: str = ""
    name: str = ""
    original: str = ""
    outcome: str = ""
    parent: str = ""
    payload: str = ""
    principal: str = ""
    recorded: str = ""
    request: str = ""
    severity: int = 0
    span: str = ""
    target: str = ""
    trace: str = ""
    warnings: tuple[str, ...] = ()
    whose: Mapping[str, Any] = {}


NOTHING_CLAIMED = Claimed()
encoded = Encoder().encode


def header_of(reading: Reading, whose: Whose, *, recorded: str, payload: str) -> bytes:
    """The header as sorted JSON without blanks; `payload` commits to the body, "" if there is none.

    What nobody said is left out. `recorded` is the server's time, as `stamp_of` writes it. The
    reading is one that `cut_short` leaves as it is.
    """
    header = Header(
        reading.account,
        reading.address,
        reading.carried_by,
        _claimed(reading),
        reading.client,
        reading.correlation,
        reading.credential,
        reading.ended_at,
        reading.happened_at,
        reading.kind,
        reading.level,
        reading.name,
        reading.original_id,
        reading.outcome,
        reading.parent_id,
        payload,
        reading.principal,
        recorded,
        reading.request_id,
        reading.severity,
        reading.span_id,
        reading.target,
        reading.trace_id,
        reading.warnings,
        whose.named,
    )
    return encoded(header)


def words_of(reading: Reading) -> str:
    """All of a header that is the sender's to choose, to look through for secrets."""
    return "\n".join((*CHOICES(reading), *reading.warnings))


def without_secrets(reading: Reading) -> Reading:
    """The same with a marker for each secret, in what its header will say and in its payload."""
    said: dict[str, Any] = {name: scrubbed(getattr(reading, name))[0] for name in CHOSEN}
    said["warnings"] = tuple(scrubbed(one)[0] for one in reading.warnings)
    return replace(reading, **said, body=scrub(reading.body))


def cut_short(reading: Reading) -> Reading:
    """The same, with nothing in its header longer than it may be."""
    told = zip(CHOSEN.items(), CHOICES(reading), strict=True)
    short: dict[str, Any] = {name: said[:most] for (name, most), said in told if len(said) > most}
    return replace(reading, **short) if short else reading


def stamp_of(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _claimed(reading: Reading) -> Claimed | None:
    claimed = Claimed(
        reading.claimed_agent,
        reading.conversation,
        reading.claimed_id,
        reading.run,
        reading.system,
    )
    return claimed if claimed != NOTHING_CLAIMED else None


def body_of(reading: Reading) -> bytes:
    """The payload as JSON, empty if there is none, however long."""
    if not reading.body:
        return b""
    try:
        return orjson.dumps(reading.body, default=str)
    except TypeError:  # A key may be no text, which takes longer.
        return orjson.dumps(reading.body, default=str, option=orjson.OPT_NON_STR_KEYS)


def fitted(text: bytes) -> bytes:
    """A payload as it is kept: past the limit its beginning, which says so."""
    if len(text) <= LARGEST_BODY:
        return text
    cut = {
        "beginning": text[: LARGEST_BODY // 2].decode(errors="ignore"),
        "original_bytes": len(text),
        "original_sha256": hashlib.sha256(text).hexdigest(),
    }
    return orjson.dumps(cut)


def commitment(salt: bytes, body: bytes | str) -> str:
    """What a header says of its payload: HMAC-SHA256(salt, body), hexadecimal."""
    told = body if isinstance(body, bytes) else body.encode()
    return hmac.digest(salt, told, "sha256").hex()


def moment_of(nanoseconds: int, otherwise: datetime) -> datetime:
    """The time of a reading, to the microsecond; the server's where nobody said a possible one."""
    if not 0 < nanoseconds < FIRST_IMPOSSIBLE:
        return otherwise
    return EPOCH + timedelta(microseconds=nanoseconds // 1000)
