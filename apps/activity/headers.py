"""A record's header: the exact text that is hashed, and the columns that repeat a part of it."""

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from apps.activity.readings import Reading
from apps.activity.scrubbing import scrub, scrubbed

LARGEST_BODY = 256 * 1024
# How long what stands in a column may be; the header holds it as long.
NAME, IDENTIFIER, WHO = 200, 128, 400
# What a sender puts into a header as it likes.
CHOSEN = (
    *("name", "target", "request_id", "original_id", "principal", "credential", "account"),
    *("address", "client", "claimed_agent", "claimed_id", "run", "conversation", "system"),
)
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
            "identity": self.identity,
            "identity_id": self.identity_id,
            "credential_id": self.credential_id,
            "system": self.system,
            "system_id": self.system_id,
            "attested_by": self.attested_by,
        }
        told = {name: value for name, value in named.items() if value}
        object.__setattr__(self, "named", told)


NOBODY = Whose()


def header_of(reading: Reading, whose: Whose, *, recorded: str, payload: str) -> bytes:
    """The header as sorted JSON without blanks; `payload` commits to the body, "" if there is none.

    What nobody said is left out. `recorded` is the server's time, as `stamp_of` writes it.
    """
    said: dict[str, Any] = {
        "kind": reading.kind,
        "name": reading.name[:NAME],
        "recorded": recorded,
        "happened": reading.happened_at,
        "ended": reading.ended_at,
        "trace": reading.trace_id,
        "span": reading.span_id,
        "parent": reading.parent_id,
        "correlation": reading.correlation,
        "carried_by": reading.carried_by,
        "request": reading.request_id[:IDENTIFIER],
        "target": reading.target[:NAME],
        "level": reading.level,
        "outcome": reading.outcome,
        "severity": reading.severity,
        "original": reading.original_id[:NAME],
        "principal": reading.principal[:WHO],
        "credential": reading.credential[:IDENTIFIER],
        "account": reading.account[:NAME],
        "address": reading.address[:64],
        "client": reading.client[:NAME],
        "warnings": reading.warnings,
        "claimed": _claimed(reading),
        "whose": whose.named,
        "payload": payload,
    }
    return orjson.dumps(
        {name: value for name, value in said.items() if value}, option=orjson.OPT_SORT_KEYS
    )


def words_of(reading: Reading) -> str:
    """All of a header that is the sender's to choose, to look through for secrets."""
    return "\n".join((*(getattr(reading, name) for name in CHOSEN), *reading.warnings))


def without_secrets(reading: Reading) -> Reading:
    """The same with a marker for each secret, in what its header will say and in its payload."""
    said: dict[str, Any] = {name: scrubbed(getattr(reading, name))[0] for name in CHOSEN}
    said["warnings"] = tuple(scrubbed(one)[0] for one in reading.warnings)
    return replace(reading, **said, body=scrub(reading.body))


def stamp_of(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _claimed(reading: Reading) -> dict[str, str]:
    claimed = {
        "agent": reading.claimed_agent[:NAME],
        "id": reading.claimed_id[:NAME],
        "run": reading.run[:NAME],
        "conversation": reading.conversation[:NAME],
        "system": reading.system[:NAME],
    }
    return {name: value for name, value in claimed.items() if value}


def body_of(reading: Reading) -> bytes:
    """The payload as JSON, empty if there is none, however long."""
    if not reading.body:
        return b""
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


def interval_of(reading: Reading, now: datetime) -> tuple[str, str]:
    """When it began and ended, as `stamp_of` writes it; none ends before it begins."""
    begun, ended = reading.happened_at, reading.ended_at
    if 0 < begun <= ended < FIRST_IMPOSSIBLE:
        return _stamp_at(begun), _stamp_at(ended)
    happened = moment_of(begun, now)
    return stamp_of(happened), stamp_of(max(happened, moment_of(ended, happened)))


def _stamp_at(nanoseconds: int) -> str:
    second, microsecond = divmod(nanoseconds // 1000, 1_000_000)
    return f"{_second(second)}.{microsecond:06d}+00:00"


@lru_cache(maxsize=10_000)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, tz=UTC).isoformat()[:19]
