import django_filters
from django.db.models import QuerySet

from apps.activity.states import Basis, ErasureState, Outcome
from apps.core.filters import DayFilter, FilterSet, LinkedFilter, Only


class InvocationFilterSet(FilterSet):
    q = django_filters.CharFilter(method="by_id", label="Trace or correlation id")
    outcome = django_filters.MultipleChoiceFilter(
        choices=[choice for choice in Outcome.choices if choice[0]], label="Outcome"
    )
    flagged = Only("flagged", "Flagged by the agent or a guard")
    unproven = Only("unproven", "No system confirms it")
    since = DayFilter("started_at", "gte", "Began from")
    until = DayFilter("started_at", "lte", "Began until")
    agent = LinkedFilter("Agent", "inventory.agent", "agent_id")
    conversation = django_filters.CharFilter(label="Conversation")

    def by_id(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.of_id(value)  # type: ignore[attr-defined, no-any-return]


class ErasureFilterSet(FilterSet):
    state = django_filters.MultipleChoiceFilter(choices=ErasureState, label="State")
    basis = django_filters.MultipleChoiceFilter(choices=Basis, label="By what right")
    since = DayFilter("asked_at", "gte", "Asked from")
    until = DayFilter("asked_at", "lte", "Asked until")
