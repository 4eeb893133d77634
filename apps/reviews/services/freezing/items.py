import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from apps.core.errors import DomainError
from apps.grants.models import Grant
from apps.grants.states import LEVEL_RANK, Level
from apps.inventory.models import Binding, Credential
from apps.reviews.models import Campaign, ReviewItem
from apps.reviews.reviewers import Found
from apps.reviews.services.freezing.context import IdentityThen, Surroundings
from apps.reviews.services.freezing.facts import (
    GRANT_COLUMNS,
    GRANT_JSON,
    binding_facts,
    credential_facts,
    grant_facts,
    statements_of,
)
from apps.reviews.services.freezing.texts import Texts, digest_of, json_of, object_of
from apps.reviews.states import Disposition


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item as plain values, since a population may hold 100,000. `text` is `frozen` as JSON."""

    columns: dict[str, Any]
    text: str

    def unsaved(self) -> ReviewItem:
        return ReviewItem(**self.columns, frozen=json.loads(self.text))


class Freezer:
    """Makes the items of one campaign from subjects as they stand."""

    def __init__(self, campaign: Campaign):
        self.campaign_id = campaign.pk
        self.around = Surroundings(campaign.fallback_reviewer_id)

    def item(
        self,
        *,
        identity: IdentityThen,
        system_id: int,
        level: str,
        label: str,
        facts: Texts,
        disqualified: Collection[int | None],
        **subject: int,
    ) -> NewItem:
        agent = identity.agent
        found = self.around.people.reviewers.find(
            level=level,
            agent=agent.accountable if agent else None,
            disqualified=disqualified,
        )
        facts["agent"] = agent.text if agent else "null"
        facts["found_because"] = json_of(found.reason)
        text = object_of(facts)
        columns = {
            "campaign_id": self.campaign_id,
            "agent_id": agent.accountable.agent_id if agent else None,
            "system_id": system_id,
            "level": level,
            "label": label[:400],
            "subject_sha256": digest_of(text),
            "design_digest": agent.design if agent else "",
            "access_digest": agent.access if agent else "",
            "reviewer_id": _somebody(found, label),
            "found_by": found.found_by.value,
            "attester_id": found.attester_id,
            **subject,
        }
        return NewItem(columns, text)


def _somebody(found: Found, label: str) -> int:
    if found.reviewer_id is None:
        raise DomainError(
            f"Nobody may decide “{label}”: the fallback and every steward own, asked for,"
            " granted, or made it. Name another fallback reviewer."
        )
    return found.reviewer_id


def frozen_grants(freezer: Freezer, grant_ids: Collection[int]) -> list[NewItem]:
    """Items of these grants, in primary key order."""
    around = freezer.around
    rows = Grant.objects.filter(pk__among=grant_ids).order_by("pk")
    grants = list(rows.values(*GRANT_COLUMNS, **GRANT_JSON))
    identities = around.identities({grant["identity_id"] for grant in grants})
    statements = statements_of(grant_ids)
    unanswered = _unanswered(grant_ids)
    return [
        freezer.item(
            identity=identities[grant["identity_id"]],
            system_id=grant["system_id"],
            level=grant["level"],
            label=grant["label"],
            facts=grant_facts(
                grant,
                identities[grant["identity_id"]],
                around,
                statements.get(grant["pk"], "[]"),
                asked_again=grant["pk"] in unanswered,
            ),
            disqualified=(grant["requested_by_id"], grant["granted_by_id"]),
            grant_id=grant["pk"],
        )
        for grant in grants
    ]


def _unanswered(grant_ids: Collection[int]) -> set[int]:
    """Grants whose newest settled item got no answer: they are asked about again."""
    newest = (
        ReviewItem.objects.filter(grant__among=grant_ids)
        .exclude(disposition__in=("", Disposition.SUPERSEDED))
        .order_by("grant_id", "-pk")
        .distinct("grant_id")
        .values_list("grant_id", "disposition")
    )
    return {grant for grant, disposition in newest if disposition == Disposition.UNCERTIFIED}


def frozen_credentials(freezer: Freezer, credential_ids: Collection[int]) -> list[NewItem]:
    """Items of these credentials, in primary key order.

    A credential is worth the most its identity may do.
    """
    around = freezer.around
    credentials = list(Credential.objects.filter(pk__among=credential_ids).order_by("pk"))
    identity_ids = {credential.identity_id for credential in credentials}
    identities = around.identities(identity_ids)
    levels = _levels_of(identity_ids)
    items = []
    for credential in credentials:
        identity = identities[credential.identity_id]
        opened = levels.get(credential.identity_id, [])
        item = freezer.item(
            identity=identity,
            system_id=identity.system_id,
            level=opened[-1] if opened else Level.WRITE,  # unknown counts as write
            label=f"{credential.get_kind_display()} {credential} of {identity.name}",
            facts=credential_facts(credential, identity, around, opened),
            disqualified=(credential.made_by_id,),
            credential_id=credential.pk,
        )
        items.append(item)
    return items


def _levels_of(identity_ids: Collection[int]) -> dict[int, list[str]]:
    """The levels each identity holds now, lowest first."""
    held: dict[int, set[str]] = defaultdict(set)
    rows = Grant.objects.present().filter(identity__among=identity_ids)
    for identity_id, level in rows.values_list("identity_id", "level").distinct().order_by():
        held[identity_id].add(level)
    return {pk: sorted(levels, key=lambda one: LEVEL_RANK[one]) for pk, levels in held.items()}


def frozen_bindings(freezer: Freezer, binding_ids: Collection[int]) -> list[NewItem]:
    """Items of these bindings, in primary key order."""
    around = freezer.around
    rows = Binding.objects.filter(pk__in=binding_ids).select_related("agent", "identity")
    bindings = list(rows.order_by("pk"))
    identity_ids = {binding.identity_id for binding in bindings}
    identities = around.identities(identity_ids)
    levels = _levels_of(identity_ids)
    return [
        freezer.item(
            identity=identities[binding.identity_id],
            system_id=identities[binding.identity_id].system_id,
            level=levels.get(binding.identity_id, [Level.WRITE])[-1],
            label=str(binding),
            facts=binding_facts(binding, identities[binding.identity_id], around),
            disqualified=(binding.bound_by_id,),
            binding_id=binding.pk,
        )
        for binding in bindings
    ]
