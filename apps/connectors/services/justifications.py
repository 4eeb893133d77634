from collections.abc import Iterator, Sequence
from datetime import date

from apps.connectors.models import StagedRow
from apps.connectors.services.payloads import moment_of
from apps.connectors.services.run import Run
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
    new: list[NewJustification] = []
    for chunk in run.chunks("justification", CHUNK):
        new += _new(run, chunk)
    if new:
        justifications_add(rows=new, actor=run.actor, authority=ALLOW)


def _new(run: Run, rows: Sequence[StagedRow]) -> Iterator[NewJustification]:
    identities = run.identities(rows)
    grants = {
        (grant.identity_id, grant.service, grant.level): grant
        for grant in Grant.objects.filter(
            state__in=LIVE, identity__in={identity.pk for identity in identities.values()}
        )
    }
    held = Justification.objects.filter(grant__in=[grant.pk for grant in grants.values()])
    said = set(held.values_list("grant_id", "reason_sha256"))
    counts = run.report.of("justification")
    for row in rows:
        data = row.data
        identity = identities.get((data["system"], data["identity"]))
        grant = grants.get((identity.pk, data["service"], data["level"])) if identity else None
        digest = reason_digest(data["reason"])
        if grant is None:
            run.reject(
                row,
                f"{data['identity']} holds no {data['level']} on {data['service']} of "
                f"{data['system']}.",
            )
        elif not data["reason"].strip():
            run.reject(row, "The reason is empty.")
        elif (grant.pk, digest) in said:
            counts.add("same", grant.label)
        else:
            said.add((grant.pk, digest))
            counts.add("new", grant.label)
            yield _justification(run, row, grant)


def _justification(run: Run, row: StagedRow, grant: Grant) -> NewJustification:
    data = row.data
    return NewJustification(
        grant.pk,
        data["reason"],
        task_id=_task_id(run, row, grant),
        ticket=data["ticket"],
        until=date.fromisoformat(data["until"]) if data["until"] else None,
        given_by_label=data["given_by"] or str(run.actor),
        given_at=moment_of(data, "given_at"),
    )


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
