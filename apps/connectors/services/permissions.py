from collections.abc import Sequence
from typing import Any

from apps.audit.services import Fact
from apps.connectors.models import StagedRow
from apps.connectors.services.run import Run, differing
from apps.grants.models import Permission


def apply_permissions(run: Run) -> None:
    """Write levels and tags with their evidence. What a person classified stays theirs."""
    for chunk in run.chunks("permission"):
        _apply(run, chunk)


def _apply(run: Run, rows: Sequence[StagedRow]) -> None:
    held = _held(rows)
    new, changed, facts = [], [], []
    counts = run.report.of("permission")
    for row in rows:
        data = row.data
        permission = held.get((data["system_kind"], data["key"]))
        if permission is None:
            new.append(
                Permission(system_kind=data["system_kind"], key=data["key"], **_fields(data))
            )
            counts.add("new", data["key"])
            continue
        before = _state(permission)
        if permission.overridden_by_id is None and permission.overridden_at is None:
            for name, value in _fields(data).items():
                setattr(permission, name, value)
        changes = differing(before, _state(permission))
        if changes:
            changed.append(permission)
            facts.append(Fact(permission, changes, run.reason))
        counts.add("changed" if changes else "same", permission.key, changes)
    Permission.objects.bulk_create(new)
    Permission.objects.bulk_update(
        changed, ["service", "level", "tags", "is_classified", "evidence"]
    )
    run.record(facts)


def _held(rows: Sequence[StagedRow]) -> dict[tuple[str, str], Permission]:
    locked = Permission.objects.filter(
        system_kind__in={row.data["system_kind"] for row in rows},
        key__in={row.data["key"] for row in rows},
    )
    return {
        (permission.system_kind, permission.key): permission
        for permission in locked.select_for_update(of=["self"]).order_by("pk")
    }


def _fields(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "service": data["service"],
        "level": data["level"],
        "tags": sorted(data["tags"]),
        "is_classified": data["known"],
        "evidence": {
            "source": data["source"],
            "version": data["version"],
            "tags": data["tags"],
        },
    }


def _state(permission: Permission) -> dict[str, Any]:
    """What a verdict says; a newer version of the same verdict is no change."""
    return {
        "service": permission.service,
        "level": permission.level,
        "tags": sorted(permission.tags),
        "is_classified": permission.is_classified,
    }
