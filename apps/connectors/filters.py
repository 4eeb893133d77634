import django_filters
from django.db.models import QuerySet
from django.utils import timezone

from apps.connectors.adapters.formats import FORMATS
from apps.connectors.states import ConnectionKind, ConnectionState
from apps.core.filters import FilterSet, SearchFilter
from apps.inventory.models import Source


class SourceFilterSet(FilterSet):
    format = django_filters.MultipleChoiceFilter(
        choices=[(held.name, held.title) for held in FORMATS.values()], label="Format"
    )
    current = django_filters.BooleanFilter(method="only_current", label="The newest of its kind")
    stale = django_filters.BooleanFilter(method="only_stale", label="Stale")
    account = django_filters.CharFilter(label="Account", max_length=120)
    read = django_filters.DateFromToRangeFilter(field_name="read_at", label="Read between")

    def only_stale(self, rows: QuerySet, name: str, value: bool) -> QuerySet:  # noqa: FBT001
        stale = Source.objects.stale_at(timezone.now()).values("pk")
        return rows.filter(pk__in=stale) if value else rows.exclude(pk__in=stale)

    def only_current(self, rows: QuerySet, name: str, value: bool) -> QuerySet:  # noqa: FBT001
        return rows.filter(superseded_at__isnull=value)


class ConnectionFilterSet(FilterSet):
    q = SearchFilter("search", placeholder="Name")
    kind = django_filters.MultipleChoiceFilter(choices=ConnectionKind, label="Kind")
    state = django_filters.MultipleChoiceFilter(choices=ConnectionState, label="State")
    failing = django_filters.BooleanFilter(
        field_name="failing_since", lookup_expr="isnull", exclude=True, label="Failing"
    )
