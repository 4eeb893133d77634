import django_filters

from apps.core.filters import FilterSet, SearchFilter


class PackageFilterSet(FilterSet):
    q = SearchFilter(field_name="campaign__name", placeholder="Campaign")
    is_interim = django_filters.BooleanFilter(label="Interim")
    campaign = django_filters.NumberFilter(field_name="campaign_id", label="Campaign number")


class SampleFilterSet(FilterSet):
    q = SearchFilter(field_name="campaign__name", placeholder="Campaign")
    campaign = django_filters.NumberFilter(field_name="campaign_id", label="Campaign number")
