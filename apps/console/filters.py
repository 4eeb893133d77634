import django_filters
from django import forms

from apps.accounts.models import User
from apps.audit.verbs import Verb
from apps.core.actors import Channel
from apps.core.filters import FilterSet, SearchFilter

DAY = {"type": "date"}


class RecordFilterSet(FilterSet):
    q = SearchFilter(
        field_name="target_label", placeholder="Record: agent, grant, campaign", at_least=3
    )
    actor = django_filters.ModelChoiceFilter(
        queryset=lambda request: User.objects.order_by("display_name"), label="Person"
    )
    verb = django_filters.MultipleChoiceFilter(choices=Verb, label="Did what")
    channel = django_filters.MultipleChoiceFilter(choices=Channel, label="Through")
    since = django_filters.DateFilter(
        field_name="occurred_at",
        lookup_expr="date__gte",
        label="From",
        widget=forms.DateInput(attrs=DAY),
    )
    until = django_filters.DateFilter(
        field_name="occurred_at",
        lookup_expr="date__lte",
        label="Until",
        widget=forms.DateInput(attrs=DAY),
    )
    kind = django_filters.CharFilter(field_name="target_type", label="Kind of record")
    record = django_filters.NumberFilter(field_name="target_id", label="Number of record")
    request_id = django_filters.CharFilter(label="Request")
