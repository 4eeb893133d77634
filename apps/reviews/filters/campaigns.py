import django_filters
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.core.filters import FilterSet, LinkedFilter, SearchFilter
from apps.grants.states import Level
from apps.reviews.states import AtClose, CampaignState, Disposition, FoundBy, ItemState


class CampaignFilterSet(FilterSet):
    q = SearchFilter("name", placeholder="Name")
    state = django_filters.MultipleChoiceFilter(choices=CampaignState, label="State")


class ItemFilterSet(FilterSet):
    q = SearchFilter("label", placeholder="Identity, system, or service")
    state = django_filters.MultipleChoiceFilter(choices=ItemState, label="State")
    disposition = django_filters.MultipleChoiceFilter(
        choices=[choice for choice in Disposition.choices if choice[0]], label="Ended as"
    )
    found_by = django_filters.MultipleChoiceFilter(
        choices=FoundBy, label="Reviewer found", method="asked_and_found"
    )
    at_close = django_filters.ChoiceFilter(
        choices=[(value or "unknown", words) for value, words in AtClose.choices],
        label="Seen at closing",
        method="seen_at_close",
    )
    level = django_filters.MultipleChoiceFilter(choices=Level, label="Level")
    reviewer = django_filters.ModelChoiceFilter(
        queryset=User.objects.who_may_decide().order_by("display_name"), label="Reviewer"
    )
    system = LinkedFilter("System", "inventory.system", "system_id")
    agent = LinkedFilter("Agent", "inventory.agent", "agent_id")

    def asked_and_found(self, rows: QuerySet, name: str, value: list[str]) -> QuerySet:
        if not value:
            return rows
        asked: QuerySet = rows.counted().asked()  # type: ignore[attr-defined]
        return asked.filter(found_by__in=value)

    def seen_at_close(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        seen = "" if value == "unknown" else value
        kept: QuerySet = rows.counted().filter(at_close=seen)  # type: ignore[attr-defined]
        return kept
