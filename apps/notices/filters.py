import django_filters

from apps.core.filters import FilterSet, LinkedFilter, Only, SearchFilter
from apps.notices.states import By, DeliveryStatus, PageSeverity, PageState


class NoticeFilterSet(FilterSet):
    q = SearchFilter("subject", placeholder="Words of the subject")
    address = django_filters.CharFilter(lookup_expr="icontains", label="To")
    by = django_filters.ChoiceFilter(choices=By, label="By")
    status = django_filters.ChoiceFilter(
        field_name="delivery__status", choices=DeliveryStatus, label="Delivery"
    )
    route = LinkedFilter("Route", "notices.route")


class PageFilterSet(FilterSet):
    q = SearchFilter("subject", placeholder="Words of the subject")
    state = django_filters.MultipleChoiceFilter(choices=PageState, label="State")
    severity = django_filters.MultipleChoiceFilter(choices=PageSeverity, label="Severity")


class RouteFilterSet(FilterSet):
    q = SearchFilter("name", placeholder="Name")
    by = django_filters.ChoiceFilter(choices=By, label="By")
    standing = Only("standing", "Not retired")
