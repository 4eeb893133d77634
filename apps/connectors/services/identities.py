from collections.abc import Sequence
from typing import Any

from django.db.models import Q

from apps.audit.services import Fact
from apps.connectors.models import StagedRow
from apps.connectors.services.payloads import moment_of
from apps.connectors.services.run import REPEATED, Run, differing
from apps.inventory.models import Identity, System

WRITTEN = (
    "name",
    "kind",
    "is_service_linked",
    "trust",
    "facts",
    "last_used_at",
    "stream",
    "gone_at",
    "source",
    "last_seen_at",
)


def apply_identities(run: Run) -> None:
    for chunk in run.chunks("identity"):
        _apply(run, chunk)
    spared = run.protected("identity", "policy", "group")
    if "identity" in run.complete and spared is not None:
        run.mark_gone("identity", Identity, spared=Q(external_id__in=spared))


def _apply(run: Run, rows: Sequence[StagedRow]) -> None:
    held = _held(run, rows)
    new, changed, facts, listed = [], [], [], []
    counts = run.report.of("identity")
    for row in rows:
        data = row.data
        system = run.system(data["system"])
        if system is None:
            run.reject(row, f"There is no system {data['system']}.")
            continue
        identity = held.get((system.pk, data["key"]))
        if identity is None:
            new.append(_new(run, system, data))
            counts.add("new", data["name"])
            continue
        listed.append(identity.pk)
        if run.is_repeated("identity", identity.pk):
            run.reject(row, REPEATED)
            continue
        before = _state(identity)
        _write(run, identity, data)
        changes = differing(before, _state(identity))
        is_back = "gone_at" in changes
        if changes:
            changed.append(identity)
        if set(changes) - {"last_used_at"}:
            facts.append(Fact(identity, changes, run.reason))
        what = "same" if not changes else "back" if is_back else "changed"
        counts.add(what, identity.name, changes)
    Identity.objects.bulk_create(new)
    Identity.objects.bulk_update(changed, WRITTEN)
    run.record(facts)
    run.seen(Identity, listed)


def _held(run: Run, rows: Sequence[StagedRow]) -> dict[tuple[int, str], Identity]:
    """Find the identities by external id, or by name where the file gives no id."""
    systems = {system.pk for row in rows if (system := run.system(row.data["system"]))}
    keys = {row.data["key"] for row in rows}
    unnamed = {row.data["key"] for row in rows if row.data["key"] == row.data["name"]}
    locked = Identity.objects.filter(system__in=systems).select_for_update(of=["self"])
    found = {
        (identity.system_id, identity.name): identity
        for identity in locked.filter(name__in=unnamed).order_by("pk")
    }
    for identity in locked.filter(external_id__in=keys).order_by("pk"):
        found[identity.system_id, identity.external_id] = identity
    return found


def _new(run: Run, system: System, data: dict[str, Any]) -> Identity:
    return Identity(
        system=system,
        name=data["name"],
        kind=data["kind"],
        external_id=data["key"],
        is_service_linked=data["service_linked"],
        trust=data["trust"],
        facts=data["facts"],
        last_used_at=moment_of(data, "last_used_at"),
        source=run.source,
        stream=run.stream,
        last_seen_at=run.now,
    )


def _write(run: Run, identity: Identity, data: dict[str, Any]) -> None:
    """Write what the file says. Another stream's identity only gains facts."""
    identity.facts = {**identity.facts, **data["facts"]}
    used = moment_of(data, "last_used_at")
    if used and (identity.last_used_at is None or used > identity.last_used_at):
        identity.last_used_at = used
    if not run.owns(identity):
        return
    identity.name = data["name"]
    identity.kind = data["kind"]
    identity.is_service_linked = data["service_linked"]
    identity.trust = data["trust"]
    run.claim(identity)
    identity.gone_at = None


def _state(identity: Identity) -> dict[str, Any]:
    return {
        "name": identity.name,
        "kind": identity.kind,
        "is_service_linked": identity.is_service_linked,
        "trust": identity.trust,
        "facts": dict(identity.facts),
        "last_used_at": identity.last_used_at,
        "stream": identity.stream,
        "gone_at": identity.gone_at,
    }
