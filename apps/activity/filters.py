import django_filters
from django.db.models import QuerySet
from django.utils import timezone

from apps.activity.querysets.reconstructions import NEVER, judged, overdue
from apps.activity.states import Outcome, Told
from apps.core.filters import DayFilter, FilterSet, LinkedFilter, Only, SearchFilter, Tick


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


class ReconstructionFilterSet(FilterSet):
    q = SearchFilter(placeholder="Name")
    verdict = django_filters.MultipleChoiceFilter(
        choices=[*Told.choices, (NEVER, "Never checked")], label="Verdict", method="by_verdict"
    )
    overdue = django_filters.BooleanFilter(label="Overdue", method="by_overdue", widget=Tick)

    def by_verdict(self, rows: QuerySet, name: str, values: list[str]) -> QuerySet:
        return judged(rows, values) if values else rows

    def by_overdue(self, rows: QuerySet, name: str, value: bool | None) -> QuerySet:  # noqa: FBT001
        return overdue(rows, timezone.localdate()) if value else rows
