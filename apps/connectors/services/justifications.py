from collections.abc import Sequence
from datetime import date

from apps.connectors.models import StagedRow
from apps.connectors.services.payloads import moment_of
from apps.connectors.services.run import Run
from apps.core.errors import DomainError
from apps.core.policies import ALLOW
from apps.grants.models import Grant, Justification
from apps.grants.services.justifications import (
    NewJustification,
    justifications_add,
    reason_digest,
)
from apps.grants.states import LIVE
from apps.inventory.models import Task

CHUNK = 500


def apply_justifications(run: Run) -> None:
    """Add the reasons that are new. Nothing overwrites or removes an older one."""
    for chunk in run.chunks("justification", CHUNK):
        _apply(run, chunk)


def _apply(run: Run, rows: Sequence[StagedRow]) -> None:
    identities = run.identities(rows)
    grants = {
        (grant.identity_id, grant.service, grant.level): grant
        for grant in Grant.objects.filter(
            state__in=LIVE, identity__in={identity.pk for identity in identities.values()}
        )
    }
    said = set(
        Justification.objects.filter(grant__in=[grant.pk for grant in grants.values()]).values_list(
            "grant_id", "reason_sha256"
        )
    )
    counts = run.report.of("justification")
    for row in rows:
        data = row.data
        identity = identities.get((data["system"], data["identity"]))
        grant = grants.get((identity.pk, data["service"], data["level"])) if identity else None
        if grant is None:
            run.reject(
                row,
                f"{data['identity']} holds no {data['level']} on {data['service']} of "
                f"{data['system']}.",
            )
        elif (grant.pk, reason_digest(data["reason"])) in said:
            counts.add("same", grant.label)
        else:
            _add(run, row, grant)


def _add(run: Run, row: StagedRow, grant: Grant) -> None:
    data = row.data
    new = NewJustification(
        grant.pk,
        data["reason"],
        task_id=_task_id(run, row, grant),
        ticket=data["ticket"],
        until=date.fromisoformat(data["until"]) if data["until"] else None,
        given_by_label=data["given_by"] or str(run.actor),
        given_at=moment_of(data, "given_at"),
    )
    try:
        justifications_add(rows=[new], actor=run.actor, authority=ALLOW)
    except DomainError as error:
        run.reject(row, str(error))
    else:
        run.report.of("justification").add("new", grant.label)


def _task_id(run: Run, row: StagedRow, grant: Grant) -> int | None:
    title = row.data["task"]
    if not title:
        return None
    tasks = Task.objects.filter(
        title=title,
        retired_at__isnull=True,
        agent__bindings__identity=grant.identity_id,
        agent__bindings__ended_at__isnull=True,
    )
    if row.data["agent"]:
        tasks = tasks.filter(agent__name=row.data["agent"])
    found = list(tasks.values_list("pk", flat=True)[:2])
    if len(found) != 1:
        where = row.path or grant.label
        run.report.note(f"{where}: no one agent that acts as it has the task {title}; left out.")
        return None
    return found[0]
