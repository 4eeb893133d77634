import django_filters
from django.db.models import QuerySet

from apps.core.filters import DayFilter, FilterSet, LinkedFilter, Only, SearchFilter
from apps.issuing.states import IssuanceState


class IssuanceFilterSet(FilterSet):
    q = SearchFilter(placeholder="Agent, identity, or trace", at_least=3)
    state = django_filters.MultipleChoiceFilter(choices=IssuanceState, label="State")
    open = Only("open", "May still work")
    since = DayFilter("asked_at", "gte", "Asked for from")
    until = DayFilter("asked_at", "lte", "Asked for until")
    agent = LinkedFilter("Agent", "inventory.agent", "agent_id")
    identity = LinkedFilter("Identity", "inventory.identity", "identity_id")
    connection = LinkedFilter("Connection", "connectors.connection", "connection_id")
    grant = LinkedFilter("Grant", "grants.grant", method="by_grant")

    def by_grant(self, rows: QuerySet, name: str, value: int) -> QuerySet:
        return rows.of_grant(value)  # type: ignore[attr-defined, no-any-return]
