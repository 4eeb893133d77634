import django_filters

from apps.core.filters import FilterSet, SearchFilter


class TemplateFilterSet(FilterSet):
    q = SearchFilter("name", placeholder="Name")
    retired = django_filters.BooleanFilter(
        field_name="retired_at", lookup_expr="isnull", exclude=True, label="Retired"
    )
