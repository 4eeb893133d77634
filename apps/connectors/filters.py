import django_filters
from django.db.models import QuerySet

from apps.connectors.adapters.formats import FORMATS
from apps.core.filters import FilterSet


class SourceFilterSet(FilterSet):
    format = django_filters.MultipleChoiceFilter(
        choices=[(held.name, held.title) for held in FORMATS.values()], label="Format"
    )
    current = django_filters.BooleanFilter(method="only_current", label="The newest of its kind")
    account = django_filters.CharFilter(label="Account", max_length=120)
    read = django_filters.DateFromToRangeFilter(field_name="read_at", label="Read between")

    def only_current(self, rows: QuerySet, name: str, value: bool) -> QuerySet:  # noqa: FBT001
        return rows.filter(superseded_at__isnull=value)
