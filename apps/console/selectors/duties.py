"""What one person answers for, over every app: what must pass to somebody when they leave."""

from dataclasses import dataclass, fields

from django.db.models import Q

from apps.accounts.models import Team, User
from apps.inventory.models import Agent, System
from apps.reviews.models import Campaign, ReviewItem, Template
from apps.reviews.services.handovers import OVER


@dataclass(frozen=True, slots=True)
class Duties:
    agents: int
    technical_agents: int
    systems: int
    teams: int
    review_items: int
    templates: int
    campaigns: int

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    def __str__(self) -> str:
        return ", ".join(
            f"{count} {word if count == 1 else words}" for count, word, words in self.counted
        )

    @property
    def counted(self) -> list[tuple[int, str, str]]:
        """(how many, what, what in plural) of each kind there is any of."""
        every = [
            (self.agents, "agent owned", "agents owned"),
            (self.technical_agents, "agent answered for technically", "agents technically"),
            (self.systems, "system owned", "systems owned"),
            (self.teams, "team managed", "teams managed"),
            (self.review_items, "open review item", "open review items"),
            (self.templates, "campaign template", "campaign templates"),
            (self.campaigns, "campaign not over", "campaigns not over"),
        ]
        return [one for one in every if one[0]]


def duties_of(person: User) -> Duties:
    runs = Q(run_by=person) | Q(fallback_reviewer=person)
    return Duties(
        agents=Agent.objects.standing().filter(owner=person).count(),
        technical_agents=Agent.objects.standing().filter(technical_owner=person).count(),
        systems=System.objects.filter(owner=person).count(),
        teams=Team.objects.filter(manager=person).count(),
        review_items=ReviewItem.objects.waiting().filter(reviewer=person).count(),
        templates=Template.objects.standing().filter(runs).count(),
        campaigns=Campaign.objects.exclude(state__in=OVER).filter(runs).count(),
    )
