import django_filters

from apps.accounts.models import User
from apps.audit.verbs import Verb
from apps.core.actors import Channel
from apps.core.filters import DayFilter, FilterSet, SearchFilter


class RecordFilterSet(FilterSet):
    q = SearchFilter(
        field_name="target_label", placeholder="Record: agent, grant, campaign", at_least=3
    )
    actor = django_filters.ModelChoiceFilter(
        queryset=lambda request: User.objects.order_by("display_name"), label="Person"
    )
    verb = django_filters.MultipleChoiceFilter(choices=Verb, label="Did what")
    channel = django_filters.MultipleChoiceFilter(choices=Channel, label="Through")
    since = DayFilter("occurred_at", "gte", "From")
    until = DayFilter("occurred_at", "lte", "Until")
    kind = django_filters.CharFilter(field_name="target_type", label="Kind of record")
    record = django_filters.NumberFilter(field_name="target_id", label="Number of record")
    request_id = django_filters.CharFilter(label="Request")
