import django_filters
from django import forms
from django.db.models import QuerySet

from apps.core.filters import DayFilter, FilterSet, LinkedFilter, Only, SearchFilter
from apps.grants.states import GrantState, Level, Tag
from apps.inventory.filters import ServiceLinkedFilter, StreamFilter


class GrantFilterSet(FilterSet):
    q = SearchFilter(placeholder="Identity, system, or service", at_least=3)
    level = django_filters.MultipleChoiceFilter(choices=Level, label="Level")
    state = django_filters.MultipleChoiceFilter(choices=GrantState, label="State")
    tags = django_filters.ChoiceFilter(
        choices=Tag, lookup_expr="contains", label="Makes possible", method="with_tag"
    )
    unjustified = Only("unjustified", "Write without a standing justification")
    justified = django_filters.ChoiceFilter(
        method="by_justification",
        choices=[("yes", "A reason is in force"), ("no", "No reason in force")],
        label="Justified",
    )
    present = Only("present", "Held now")
    gone = Only("gone", "Gone from its source")
    service_linked = ServiceLinkedFilter()
    stream = StreamFilter()
    agent = LinkedFilter("Agent", "inventory.agent", method="of_agent")
    identity = LinkedFilter("Identity", "inventory.identity", "identity_id")
    system = LinkedFilter("System", "inventory.system", "system_id")
    expires_before = DayFilter("expires_at", "lt", "Expires before")

    def with_tag(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        kept: QuerySet = rows.making_possible(value)  # type: ignore[attr-defined]
        return kept

    def by_justification(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        kept: QuerySet = rows.justified(stands=value == "yes")  # type: ignore[attr-defined]
        return kept

    def of_agent(self, rows: QuerySet, name: str, value: int) -> QuerySet:
        kept: QuerySet = rows.of_agent(int(value))  # type: ignore[attr-defined]
        return kept


class PermissionFilterSet(FilterSet):
    q = SearchFilter(placeholder="Action")
    level = django_filters.MultipleChoiceFilter(choices=Level, label="Level")
    system_kind = django_filters.CharFilter(label="Kind of system")
    service = django_filters.CharFilter(label="Service")
    tags = django_filters.ChoiceFilter(choices=Tag, label="Makes possible", method="with_tag")
    unclassified = Only("unclassified", "Not classified")

    def with_tag(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        kept: QuerySet = rows.making_possible(value)  # type: ignore[attr-defined]
        return kept


class JustificationFilterSet(FilterSet):
    q = SearchFilter("reason", placeholder="Reason", at_least=3)
    until_before = django_filters.DateFilter(
        field_name="until",
        lookup_expr="lt",
        label="Ends before",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
