from typing import Any

from django.db import transaction

from apps.connectors.models import StagedRow
from apps.connectors.services.run import REPEATED, Run
from apps.core.errors import DomainError
from apps.inventory.models import System
from apps.inventory.services.systems import system_change, system_create


def apply_systems(run: Run) -> None:
    """Create the systems that are new, and change what the file says otherwise."""
    for chunk in run.chunks("system"):
        for row in chunk:
            try:
                with transaction.atomic():
                    _apply(run, row)
            except DomainError as error:
                run.reject(row, str(error))
    spared = run.protected("system")
    if "system" in run.complete and not spared:
        run.mark_gone("system", System)


def _apply(run: Run, row: StagedRow) -> None:
    data = row.data
    counts = run.report.of("system")
    fields = _fields(data)
    system = _found(data)
    if system is None:
        system = system_create(name=data["name"], kind=data["kind"], actor=run.actor, **fields)
        System.objects.filter(pk=system.pk).update(source=run.source, stream=run.stream)
        counts.add("new", system.name)
    elif run.is_repeated("system", system.pk):
        raise DomainError(REPEATED)
    elif system.kind != data["kind"]:
        raise DomainError(f"{system.name} is of the kind {system.kind}, not {data['kind']}.")
    else:
        changes = {name: (getattr(system, name), value) for name, value in fields.items()}
        changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
        if changes:
            system = system_change(
                system_id=system.pk, actor=run.actor, reason=run.reason, **fields
            )
        is_back = system.gone_at is not None and system.stream == run.stream
        if is_back:
            System.objects.filter(pk=system.pk).update(gone_at=None)
        what = "changed" if changes else "back" if is_back else "same"
        counts.add(what, system.name, changes)
        run.seen(System, [system.pk])
    run.knows_system(data["key"], system)


def _fields(data: dict[str, Any]) -> dict[str, Any]:
    told = {
        "account": data["account"] or None,
        "description": data["description"],
        "environment": data["environment"],
        "tags": data["labels"],
    }
    return {name: value for name, value in told.items() if value is not None}


def _found(data: dict[str, Any]) -> System | None:
    if data["account"]:
        held = System.objects.filter(kind=data["kind"], account=data["account"]).first()
        if held is not None:
            return held
    return System.objects.filter(name=data["name"]).first()
