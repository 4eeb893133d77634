"""What CloudTrail recorded of a credential: its calls, and the raw events behind them.

The history of events holds 90 days of management calls in each region. Calls of IAM and STS made at
their global addresses stand in one region of the partition, which is always asked too.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.connectors.adapters.aws_client import Clients
from apps.connectors.adapters.live import Call, Refused
from apps.connectors.adapters.removal import Subject

# CloudTrail delivers an event within about this long; what is newer may still be missing.
COMPLETE_AFTER = timedelta(minutes=15)
GLOBAL_REGIONS = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}
PREFIXES = ("AKIA", "ASIA", "ACCA")


@dataclass(frozen=True, slots=True)
class Event:
    """One event, with what was asked and answered. Names are looked up without their case."""

    id: str
    at: datetime
    source: str
    name: str
    read_only: bool | None
    resource: str
    told: Mapping[str, Any] = field(repr=False)

    @property
    def service(self) -> str:
        return self.source.removesuffix(".amazonaws.com")

    @property
    def error(self) -> str:
        return str(self.told.get("errorCode") or "")

    @property
    def address(self) -> str:
        return str(self.told.get("sourceIPAddress") or "")

    def asked(self, name: str) -> Any:
        """A parameter of the request; empty where there is none."""
        return _member(self.told.get("requestParameters"), name)

    def answered(self, *names: str) -> Any:
        """A member within the answer; empty where AWS gave none."""
        value: Any = self.told.get("responseElements")
        for name in names:
            value = _member(value, name)
        return value


def calls(clients: Clients, subject: Subject, since: datetime) -> Iterator[Call]:
    for event in events_of(clients, subject, since):
        yield Call(
            event_id=event.id,
            at=event.at,
            service=event.service,
            name=event.name,
            address=event.address,
            client=str(event.told.get("userAgent") or "")[:300],
            error=event.error,
            resource=event.resource,
            read_only=event.read_only,
        )


def events_of(clients: Clients, subject: Subject, since: datetime) -> list[Event]:
    """The events of a credential since then, oldest first."""
    account = subject.account
    if subject.credential.startswith(PREFIXES):
        return events(clients, account, "AccessKeyId", subject.credential, since)
    if subject.credential_kind == "password":
        found = events(clients, account, "Username", subject.identity, since)
        return [event for event in found if not _key_of(event).startswith("AKIA")]
    if subject.is_role:
        return _of_role(clients, subject, since)
    if ":secretsmanager:" in subject.credential:
        return events(clients, account, "ResourceName", subject.credential, since)
    raise Refused(f"The log cannot be asked for {subject.credential}: it is no id AWS knows.")


def events(clients: Clients, account: str, key: str, value: str, since: datetime) -> list[Event]:
    """The events in which something has a value, of all regions of the connection."""
    always = GLOBAL_REGIONS.get(clients.partition, "")
    found: dict[str, Event] = {}
    for region in dict.fromkeys([*clients.regions, *([always] if always else [])]):
        for page in clients.pages(
            "cloudtrail",
            "lookup_events",
            account=account,
            region=region,
            patient=True,
            LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}],
            StartTime=since,
        ):
            for said in page["Events"]:
                event = event_of(said)
                found.setdefault(event.id, event)
    return sorted(found.values(), key=lambda event: (event.at, event.id))


def event_of(said: Mapping[str, Any]) -> Event:
    """Read one event, as the history lists it."""
    try:
        told = json.loads(said.get("CloudTrailEvent") or "{}")
    except ValueError:
        told = {}
    resources = said.get("Resources") or []
    read_only = said.get("ReadOnly")
    return Event(
        id=str(said["EventId"]),
        at=said["EventTime"].astimezone(UTC),
        source=str(said.get("EventSource", "")),
        name=str(said.get("EventName", "")),
        read_only=None if read_only is None else str(read_only).lower() == "true",
        resource=str(resources[0].get("ResourceName", "")) if resources else "",
        told=told if isinstance(told, dict) else {},
    )


def _of_role(clients: Clients, subject: Subject, since: datetime) -> list[Event]:
    """The calls of a role's sessions: it was assumed so and so often, each time with a key."""
    found: dict[str, Event] = {}
    for assumed in events(clients, subject.account, "ResourceName", subject.identity_id, since):
        key = assumed.answered("credentials", "accessKeyId")
        if key:
            for event in events(clients, subject.account, "AccessKeyId", str(key), since):
                found[event.id] = event
    return sorted(found.values(), key=lambda event: (event.at, event.id))


def _key_of(event: Event) -> str:
    return str(_member(event.told.get("userIdentity"), "accessKeyId"))


def _member(value: Any, name: str) -> Any:
    if not isinstance(value, Mapping):
        return ""
    for key, member in value.items():
        if key.lower() == name.lower():
            return "" if member is None else member
    return ""
