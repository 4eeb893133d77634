"""The agents on a reviewer's bench, and the drafts that wait to be submitted."""

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone

from apps.core.actors import Person
from apps.reviews.choices import Chosen, asked_of, in_words, what_is_missing
from apps.reviews.models import Campaign, Draft, ReviewItem
from apps.reviews.selectors.sharing import shared_by
from apps.reviews.states import ItemState


@dataclass(frozen=True, slots=True)
class Unit:
    """One agent's items on a reviewer's bench; agent 0 stands for identities without one."""

    agent_id: int
    name: str
    total: int
    open: int
    drafted: int

    @property
    def is_waiting(self) -> bool:
        return self.open > self.drafted


@dataclass(frozen=True, slots=True)
class Drafted:
    draft: Draft
    lacks: str


def units_of(actor: Person, campaign: Campaign) -> list[Unit]:
    """The reviewer's agents by name, then identities with none; with what is open and drafted."""
    drafts = Draft.objects.filter(item=OuterRef("pk"), reviewer=actor.user)
    is_open = Q(state=ItemState.OPEN)
    rows = (
        ReviewItem.objects.assigned_to(actor)
        .counted()
        .asked()
        .filter(campaign=campaign)
        .annotate(is_drafted=Exists(drafts))
        .order_by()
        .values("agent", "agent__name")
        .annotate(
            total=Count("pk"),
            open=Count("pk", filter=is_open),
            drafted=Count("pk", filter=is_open & Q(is_drafted=True)),
        )
    )
    units = [
        Unit(row["agent"] or 0, row["agent__name"] or "", row["total"], row["open"], row["drafted"])
        for row in rows
    ]
    return sorted(units, key=lambda unit: (unit.agent_id == 0, unit.name))


def drafts_of(actor: Person, campaign: Campaign) -> list[Drafted]:
    """Every draft of the reviewer in a campaign, with what it still lacks."""
    drafts = (
        Draft.objects.filter(reviewer=actor.user, item__campaign=campaign)
        .select_related(
            "item__grant__identity", "item__credential__identity", "item__binding__identity"
        )
        .order_by("item__agent__name", "item")
    )
    shared = shared_by({draft.item.identity.pk for draft in drafts})
    return [
        Drafted(draft, _lacks(draft, campaign, shared.get(draft.item.identity.pk, 0)))
        for draft in drafts
    ]


def _lacks(draft: Draft, campaign: Campaign, agents: int) -> str:
    item = draft.item
    asked = asked_of(
        kind=item.kind,
        level=item.level,
        frozen=item.frozen,
        policy=campaign.policy,
        shared_by=agents,
    )
    chosen = Chosen(draft.outcome, draft.until, draft.target, draft.hits, draft.reason)
    return in_words(what_is_missing(asked, chosen, timezone.localdate()))
