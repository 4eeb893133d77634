import django_filters

from apps.core.filters import FilterSet, SearchFilter
from apps.notices.states import By, DeliveryStatus


class NoticeFilterSet(FilterSet):
    q = SearchFilter("subject", placeholder="Words of the subject")
    address = django_filters.CharFilter(lookup_expr="icontains", label="To")
    by = django_filters.ChoiceFilter(choices=By, label="By")
    status = django_filters.ChoiceFilter(
        field_name="delivery__status", choices=DeliveryStatus, label="Delivery"
    )
