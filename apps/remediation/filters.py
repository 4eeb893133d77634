import django_filters
from django.db.models import QuerySet

from apps.core.filters import FilterSet, SearchFilter
from apps.remediation.states import OrderKind, OrderState


class OrderFilterSet(FilterSet):
    q = SearchFilter("label", placeholder="Identity, system, or service")
    state = django_filters.MultipleChoiceFilter(choices=OrderState, label="State")
    kind = django_filters.MultipleChoiceFilter(choices=OrderKind, label="Order")
    open = django_filters.BooleanFilter(method="only_open", label="Still open")
    campaign = django_filters.NumberFilter(field_name="campaign_id", label="Campaign number")

    waits = django_filters.ChoiceFilter(
        method="waiting",
        choices=[("carry-out", "Being carried out"), ("confirm", "Confirmation")],
        label="Waits for",
    )

    def waiting(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.waiting_for(value)  # type: ignore[attr-defined]

    def only_open(self, rows: QuerySet, name: str, value: bool | None) -> QuerySet:  # noqa: FBT001
        return rows.unsettled() if value else rows  # type: ignore[attr-defined]
