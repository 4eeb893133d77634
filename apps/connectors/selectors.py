"""Read models of sources: whether they are fresh, and reports as rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BooleanField, Case, ExpressionWrapper, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import LessThan
from django.utils import timezone

from apps.connectors.adapters.live import Capability, Setting
from apps.connectors.adapters.registry import adapter_class
from apps.connectors.models import Connection, Reading
from apps.core.models import Job
from apps.core.preferences import preference
from apps.inventory.models import Source

TITLES = {
    "system": "Systems",
    "agent": "Agents",
    "identity": "Identities",
    "binding": "Bindings",
    "credential": "Credentials",
    "permission": "Permissions",
    "grant": "Grants",
    "justification": "Justifications",
}
CAN = {
    Capability.DISCOVER: "Read what is there",
    Capability.DISABLE: "Disable a credential, so that it can be undone",
    Capability.DELETE: "Delete a credential",
    Capability.END_SESSIONS: "End sessions that were issued before",
    Capability.REMOVE_GRANT: "Take a permission away",
    Capability.NARROW_GRANT: "Narrow a permission to fewer actions",
    Capability.FIND: "Find a credential by asking",
    Capability.LOG: "Read the log of what a credential did",
    Capability.WHOLE_LOG: "Read the whole log of what was done there",
    Capability.ROTATE: "Make a new credential beside the old one",
    Capability.ISSUE: "Issue short-lived credentials",
    Capability.PLACE: "Write a new secret where it is kept",
}
WORDS = ("new", "changed", "gone", "back")


@dataclass(frozen=True, slots=True)
class Freshness:
    as_of: datetime
    stale_at: datetime

    @property
    def is_stale(self) -> bool:
        return timezone.now() > self.stale_at


@dataclass(frozen=True, slots=True)
class KindRow:
    """One kind of a report: counts, and the first examples of each change."""

    title: str
    new: int
    changed: int
    gone: int
    back: int
    same: int
    examples: list[tuple[str, list[dict[str, Any]]]]

    @property
    def changes_nothing(self) -> bool:
        return not (self.new or self.changed or self.gone or self.back)


def freshness_of(source: Source) -> Freshness:
    key = "stale_after_hours" if source.independently_obtained else "stale_file_after_hours"
    return Freshness(source.as_of, source.as_of + timedelta(hours=preference(key)))


def with_freshness(rows: QuerySet[Source]) -> QuerySet[Source]:
    """Say of each source whether it is stale by now (`is_stale`)."""
    now = timezone.now()
    connected = now - timedelta(hours=preference("stale_after_hours"))
    by_file = now - timedelta(hours=preference("stale_file_after_hours"))
    limit = Case(When(independently_obtained=True, then=Value(connected)), default=Value(by_file))
    as_of = Coalesce("provider_time", "read_at")
    return rows.annotate(is_stale=ExpressionWrapper(LessThan(as_of, limit), BooleanField()))


def kind_rows(kinds: Mapping[str, Mapping[str, Any]]) -> list[KindRow]:
    """Turn what an import counted into rows, in the order in which it is applied."""
    return [_row(title, kinds[kind]) for kind, title in TITLES.items() if kind in kinds]


def _row(title: str, counts: Mapping[str, Any]) -> KindRow:
    shown = counts.get("examples", {})
    return KindRow(
        title=title,
        new=counts["new"],
        changed=counts["changed"],
        gone=counts["gone"],
        back=counts["back"],
        same=counts["same"],
        examples=[(word, shown[word]) for word in WORDS if shown.get(word)],
    )


@dataclass(frozen=True, slots=True)
class Health:
    """What the page of a connection shows: what it can do, may do, and last read."""

    title: str
    can: list[str]
    cannot: tuple[str, ...]
    checks: int
    refused: list[Mapping[str, Any]]
    worked: list[Mapping[str, Any]]
    rights: list[tuple[str, str]]
    told: list[tuple[str, Any]]
    readings: list[Reading]


def health_of(connection: Connection, job: Job | None) -> Health:
    adapter = adapter_class(connection.kind)
    checks = list(connection.checks)
    return Health(
        title=adapter.title,
        can=[CAN[one] for one in Capability if one in adapter.capabilities],
        cannot=tuple(CAN[one] for one in Capability if one not in adapter.capabilities)
        + tuple(adapter.cannot),
        checks=len(checks),
        refused=[check for check in checks if not check["worked"]],
        worked=[check for check in checks if check["worked"]],
        rights=[
            (purpose, adapter.rights(connection.told, purpose))
            for purpose in ("reading", "removal", "issuing")
        ],
        told=[
            (setting.label, _said(setting, connection.told[setting.key]))
            for setting in adapter.settings
            if setting.key in connection.told
        ],
        readings=list(Reading.objects.of_job(job).for_table()) if job is not None else [],
    )


def _said(setting: Setting, value: Any) -> Any:
    return dict(setting.choices).get(value, value) if setting.choices else value
