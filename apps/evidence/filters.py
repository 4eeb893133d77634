import django_filters

from apps.core.filters import FilterSet, LinkedFilter, SearchFilter


class PackageFilterSet(FilterSet):
    q = SearchFilter(field_name="campaign__name", placeholder="Campaign")
    is_interim = django_filters.BooleanFilter(label="Interim")
    campaign = LinkedFilter("Campaign", "reviews.campaign", "campaign_id")


class SampleFilterSet(FilterSet):
    q = SearchFilter(field_name="campaign__name", placeholder="Campaign")
    campaign = LinkedFilter("Campaign", "reviews.campaign", "campaign_id")
