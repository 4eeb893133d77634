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

    def only_open(self, rows: QuerySet, name: str, value: bool | None) -> QuerySet:  # noqa: FBT001
        return rows.unsettled() if value else rows  # type: ignore[attr-defined]
