from collections import defaultdict
from collections.abc import Collection
from typing import Any

from apps.core.errors import DomainError
from apps.grants.models import Grant
from apps.grants.states import LEVEL_RANK, Level
from apps.inventory.models import Binding, Credential, Identity
from apps.reviews.models import Campaign, ReviewItem
from apps.reviews.reviewers import Found
from apps.reviews.services.freezing.context import (
    People,
    Surroundings,
    people_for,
    surroundings_of,
)
from apps.reviews.services.freezing.facts import (
    binding_facts,
    credential_facts,
    digest_of,
    grant_facts,
    statements_of,
)
from apps.reviews.states import Disposition, ItemState

type Row = dict[str, Any]

_EMPTY: Row = {
    "grant_id": None,
    "credential_id": None,
    "binding_id": None,
    "reassigned_count": 0,
    "state": ItemState.OPEN,
    "disposition": "",
    "state_reason": "",
    "at_close": "",
    "carries_id": None,
}


class Freezer:
    """Makes the items of one campaign. People are read once; the rest by chunk."""

    def __init__(self, campaign: Campaign):
        self.campaign = campaign
        self.people: People = people_for(campaign.fallback_reviewer_id)

    def around(self, identity_ids: Collection[int]) -> Surroundings:
        return surroundings_of(identity_ids, self.people)

    def row(
        self,
        *,
        around: Surroundings,
        identity: Identity,
        level: str,
        label: str,
        facts: dict[str, Any],
        disqualified: Collection[int | None],
        **subject: int,
    ) -> Row:
        """The columns of one item, as plain values: a population may hold 100,000."""
        agent = around.of(identity.pk)
        found = self.people.reviewers.find(level=level, agent=agent, disqualified=disqualified)
        facts["agent"] = around.facts[agent.agent_id] if agent else None
        facts["found_because"] = found.reason
        return {
            **_EMPTY,
            "campaign_id": self.campaign.pk,
            "agent_id": agent.agent_id if agent else None,
            "system_id": identity.system_id,
            "level": level,
            "label": label[:400],
            "frozen": facts,
            "subject_sha256": digest_of(facts),
            "design_digest": around.design.get(agent.agent_id, "") if agent else "",
            "access_digest": around.access.get(agent.agent_id, "") if agent else "",
            "reviewer_id": _somebody(found, label),
            "found_by": found.found_by,
            "attester_id": found.attester_id,
            **subject,
        }


def _somebody(found: Found, label: str) -> int:
    if found.reviewer_id is None:
        raise DomainError(
            f"Nobody may decide “{label}”: the fallback and every steward own, asked for,"
            " granted, or made it. Name another fallback reviewer."
        )
    return found.reviewer_id


def freeze_grants(freezer: Freezer, grant_ids: Collection[int]) -> list[ReviewItem]:
    """Items of these grants, unsaved, in primary key order."""
    return [ReviewItem(**row) for row in grant_rows(freezer, grant_ids)]


def freeze_credentials(freezer: Freezer, credential_ids: Collection[int]) -> list[ReviewItem]:
    """Items of these credentials, unsaved, in primary key order."""
    return [ReviewItem(**row) for row in credential_rows(freezer, credential_ids)]


def grant_rows(freezer: Freezer, grant_ids: Collection[int]) -> list[Row]:
    grants = list(
        Grant.objects.filter(pk__in=grant_ids)
        .select_related("justification__task")
        .prefetch_related("identity", "system")
        .order_by("pk")
    )
    around = freezer.around({grant.identity_id for grant in grants})
    statements = statements_of(grant_ids)
    unanswered = _unanswered(grant_ids)
    rows = []
    for grant in grants:
        used_by = around.used_by(grant.identity_id)
        facts = grant_facts(grant, statements.get(grant.pk, []), freezer.people, used_by)
        facts["asked_again"] = grant.pk in unanswered
        row = freezer.row(
            around=around,
            identity=grant.identity,
            level=grant.level,
            label=grant.label,
            facts=facts,
            disqualified=(grant.requested_by_id, grant.granted_by_id),
            grant_id=grant.pk,
        )
        row["system_id"] = grant.system_id
        rows.append(row)
    return rows


def _unanswered(grant_ids: Collection[int]) -> set[int]:
    """Grants whose newest settled item got no answer: they are asked about again."""
    newest = (
        ReviewItem.objects.filter(grant__in=grant_ids)
        .exclude(disposition__in=("", Disposition.SUPERSEDED))
        .order_by("grant_id", "-pk")
        .distinct("grant_id")
        .values_list("grant_id", "disposition")
    )
    return {grant for grant, disposition in newest if disposition == Disposition.UNCERTIFIED}


def credential_rows(freezer: Freezer, credential_ids: Collection[int]) -> list[Row]:
    """A credential is worth the most its identity may do."""
    credentials = list(
        Credential.objects.filter(pk__in=credential_ids)
        .select_related("identity__system")
        .order_by("pk")
    )
    identities = {credential.identity_id for credential in credentials}
    around = freezer.around(identities)
    levels = _levels_of(identities)
    rows = []
    for credential in credentials:
        opened = levels.get(credential.identity_id, [])
        used_by = around.used_by(credential.identity_id)
        rows.append(
            freezer.row(
                around=around,
                identity=credential.identity,
                level=opened[-1] if opened else Level.WRITE,  # unknown counts as write
                label=f"{credential.get_kind_display()} {credential} of {credential.identity}",
                facts=credential_facts(credential, opened, freezer.people, used_by),
                disqualified=(credential.made_by_id,),
                credential_id=credential.pk,
            )
        )
    return rows


def _levels_of(identity_ids: Collection[int]) -> dict[int, list[str]]:
    """The levels each identity holds now, lowest first."""
    held: dict[int, set[str]] = defaultdict(set)
    rows = Grant.objects.present().filter(identity__in=identity_ids)
    for identity_id, level in rows.values_list("identity_id", "level").distinct().order_by():
        held[identity_id].add(level)
    return {pk: sorted(levels, key=lambda one: LEVEL_RANK[one]) for pk, levels in held.items()}


def freeze_bindings(freezer: Freezer, binding_ids: Collection[int]) -> list[ReviewItem]:
    """Items of these bindings, unsaved."""
    bindings = list(
        Binding.objects.filter(pk__in=binding_ids)
        .select_related("agent", "identity__system")
        .order_by("pk")
    )
    identities = {binding.identity_id for binding in bindings}
    around = freezer.around(identities)
    levels = _levels_of(identities)
    rows = [
        freezer.row(
            around=around,
            identity=binding.identity,
            level=levels.get(binding.identity_id, [Level.WRITE])[-1],
            label=str(binding),
            facts=binding_facts(binding, around.used_by(binding.identity_id)),
            disqualified=(binding.bound_by_id,),
            binding_id=binding.pk,
        )
        for binding in bindings
    ]
    return [ReviewItem(**row) for row in rows]
