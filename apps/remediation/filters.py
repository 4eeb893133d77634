from typing import Any

import django_filters
from django.db.models import QuerySet

from apps.core.filters import DayFilter, FilterSet, LinkedFilter, Only, SearchFilter
from apps.remediation.states import IncidentState, OrderKind, OrderState


class OrderFilterSet(FilterSet):
    q = SearchFilter("label", placeholder="Identity, system, or service")
    state = django_filters.MultipleChoiceFilter(choices=OrderState, label="State")
    kind = django_filters.MultipleChoiceFilter(choices=OrderKind, label="Order")
    open = Only("unsettled", "Still open")
    unconfirmed = Only("kills_to_confirm", "Kills nobody else confirmed")
    campaign = LinkedFilter("Campaign", "reviews.campaign", "campaign_id")
    batch = LinkedFilter("Batch", "remediation.batch", "batch_id")
    connection = LinkedFilter("Connection", "connectors.connection", "connection_id")
    credential = LinkedFilter("Credential", "inventory.credential", "credential_id")

    waits = django_filters.ChoiceFilter(
        method="waiting",
        choices=[
            ("carry-out", "Being carried out"),
            ("confirm", "Confirmation"),
            ("confirm-by-me", "My confirmation"),
        ],
        label="Waits for",
    )

    def waiting(self, rows: QuerySet, name: str, value: str) -> Any:
        if value == "confirm-by-me":
            return rows.confirmable_by(self.request.actor)  # type: ignore[attr-defined]
        return rows.waiting_for(value)  # type: ignore[attr-defined]


class IncidentFilterSet(FilterSet):
    state = django_filters.MultipleChoiceFilter(choices=IncidentState.choices, label="State")
    since = DayFilter("opened_at", "gte", "Opened from")
    until = DayFilter("opened_at", "lte", "Opened until")


class IncidentCallFilterSet(FilterSet):
    q = SearchFilter("search", placeholder="Name of the call")
    address = django_filters.CharFilter(label="From", max_length=100)
    service = django_filters.CharFilter(label="Service", max_length=100)
    changing = Only("changing", "May have changed something")
    refused = Only("refused", "Refused")
