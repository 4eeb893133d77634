from uuid import UUID

import django_filters
from django.db.models import Q, QuerySet

from apps.core.filters import FilterSet, LinkedFilter, SearchFilter
from apps.evidence.subjects import Subject


def of_trace(word: str) -> Q:
    """An invocation by its whole id; by a part of it nothing is found."""
    try:
        return Q(trace_id=UUID(word))
    except ValueError:
        return Q(pk__in=[])


class AboutFilter(SearchFilter):
    """Finds packages by the name of what they are about."""

    def filter(self, qs: QuerySet, value: str) -> QuerySet:
        for word in (value or "").split()[: self.words_at_most]:
            qs = qs.filter(
                Q(campaign__name__icontains=word)
                | Q(request__label__icontains=word)
                | Q(incident__order__label__icontains=word)
                | Q(period_system__name__icontains=word)
                | Q(agent__name__icontains=word)
                | of_trace(word)
            )
        return qs


class PackageFilterSet(FilterSet):
    q = AboutFilter(placeholder="Campaign, request, credential, system, agent, or trace id")
    subject = django_filters.ChoiceFilter(choices=Subject, label="Of", method="of_subject")
    is_interim = django_filters.BooleanFilter(label="Interim")
    campaign = LinkedFilter("Campaign", "reviews.campaign", "campaign_id")
    request = LinkedFilter("Request", "approvals.accessrequest", "request_id")

    incident = LinkedFilter("Incident", "remediation.incident", "incident_id")
    agent = LinkedFilter("Agent", "inventory.agent", "agent_id")

    def of_subject(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        found: QuerySet = rows.about(value)  # type: ignore[attr-defined]
        return found


class SampleFilterSet(FilterSet):
    q = SearchFilter(field_name="campaign__name", placeholder="Campaign")
    campaign = LinkedFilter("Campaign", "reviews.campaign", "campaign_id")
