"""Why grants exist: written once, the newest in force, one at a time or many."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from apps.audit.services import Fact, record_many
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import Verdict, enforce
from apps.grants import policies
from apps.grants.models import Grant, Justification
from apps.grants.states import LIVE
from apps.inventory.models import Binding, Task

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class NewJustification:
    """One reason for one grant. Without `until` it stands until further notice.

    `given_by_label` and `given_at` are for reasons brought from outside, by an import.
    """

    grant_id: int
    reason: str
    task_id: int | None = None
    ticket: str = ""
    until: date | None = None
    given_by_label: str = ""
    given_at: datetime | None = None


def grant_justify(
    *,
    grant_id: int,
    reason: str,
    actor: Actor,
    task_id: int | None = None,
    ticket: str = "",
    until: date | None = None,
    authority: Verdict | None = None,
) -> Justification:
    """Say why a grant exists. An older justification stays beside the new one."""
    row = NewJustification(grant_id, reason, task_id=task_id, ticket=ticket, until=until)
    return justifications_add(rows=[row], actor=actor, authority=authority)[0]


@transaction.atomic
def justifications_add(
    *, rows: Sequence[NewJustification], actor: Actor, authority: Verdict | None = None
) -> list[Justification]:
    """Justify many grants, all or none, with one entry each; rows come back in their order.

    Without `authority` the actor must pass `can_justify` for every grant. Refuses an empty
    reason, a date that has passed, a task of an agent that does not hold the grant, and a
    grant that has ended.
    """
    grants = _locked({row.grant_id for row in rows})
    if authority is None:
        for grant in grants.values():
            enforce(policies.can_justify(actor, grant))
    else:
        enforce(authority)
    _demand_sense(rows, grants)
    _demand_own_tasks(rows, grants)
    before = {pk: (grant.justification_id, grant.justified_until) for pk, grant in grants.items()}
    given = Justification.objects.bulk_create(
        (_justification(row, grants[row.grant_id], actor) for row in rows), batch_size=CHUNK
    )
    _point_to_newest(list(grants))
    facts = [
        Fact(
            grants[one.grant_id],
            {
                "justification": (before[one.grant_id][0], one.pk),
                "justified_until": (before[one.grant_id][1], one.until),
            },
            one.reason,
        )
        for one in {one.grant_id: one for one in given}.values()
    ]
    record_many(actor=actor, verb=Verb.GRANT_JUSTIFIED, facts=facts)
    return given


def reason_digest(reason: str) -> str:
    """The same text, however it is spaced or capitalised, has the same digest."""
    return hashlib.sha256(" ".join(reason.casefold().split()).encode()).hexdigest()


def _locked(grant_ids: set[int]) -> dict[int, Grant]:
    rows = Grant.objects.filter(pk__in=grant_ids).select_for_update(of=["self"]).order_by("pk")
    grants = {grant.pk: grant for grant in rows}
    if len(grants) < len(grant_ids):
        raise DomainError("A grant to be justified does not exist.")
    return grants


def _demand_sense(rows: Sequence[NewJustification], grants: Mapping[int, Grant]) -> None:
    today = timezone.localdate()
    for row in rows:
        if not row.reason.strip():
            raise DomainError("Say why this access is needed.")
        if row.until is not None and row.until < today and not row.given_by_label:
            raise DomainError("The justification would end before today.")
        if grants[row.grant_id].state not in LIVE:
            raise DomainError(f"{grants[row.grant_id]} has ended; there is nothing to justify.")


def _demand_own_tasks(rows: Sequence[NewJustification], grants: Mapping[int, Grant]) -> None:
    named = {row.task_id for row in rows if row.task_id is not None}
    if not named:
        return
    agents = dict(Task.objects.filter(pk__in=named).values_list("pk", "agent_id"))
    identities = {grants[row.grant_id].identity_id for row in rows if row.task_id is not None}
    bound = set(
        Binding.objects.live()
        .filter(identity__in=identities)
        .values_list("identity_id", "agent_id")
    )
    for row in rows:
        if row.task_id is None:
            continue
        if (grants[row.grant_id].identity_id, agents.get(row.task_id)) not in bound:
            raise DomainError("The task belongs to an agent that does not hold this grant.")


def _justification(row: NewJustification, grant: Grant, actor: Actor) -> Justification:
    brought = bool(row.given_by_label)
    return Justification(
        grant=grant,
        reason=row.reason.strip(),
        reason_sha256=reason_digest(row.reason),
        task_id=row.task_id,
        ticket=row.ticket.strip(),
        until=row.until,
        given_by=actor.user if isinstance(actor, Person) and not brought else None,
        given_by_label=(row.given_by_label or str(actor))[:150],
        given_at=row.given_at or timezone.now(),
    )


def _point_to_newest(grant_ids: Sequence[int]) -> None:
    newest = Justification.objects.filter(grant=OuterRef("pk")).order_by("-pk")
    Grant.objects.filter(pk__in=grant_ids).update(
        justification=Subquery(newest.values("pk")[:1]),
        justified_until=Subquery(newest.values("until")[:1]),
    )
