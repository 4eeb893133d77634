import django_filters

from apps.approvals.states import BreakGlassState, RequestKind, RequestState
from apps.core.filters import FilterSet, SearchFilter
from apps.grants.states import Level
from apps.inventory.models import Agent, System


class RequestFilterSet(FilterSet):
    q = SearchFilter(placeholder="Agent, system, or service")
    state = django_filters.MultipleChoiceFilter(choices=RequestState, label="State")
    level = django_filters.MultipleChoiceFilter(choices=Level, label="Level")
    kind = django_filters.MultipleChoiceFilter(choices=RequestKind, label="Kind")
    stuck = django_filters.BooleanFilter(field_name="is_unmeetable", label="Nobody may approve")
    agent = django_filters.ModelChoiceFilter(
        queryset=lambda request: Agent.objects.visible_to(request.actor), label="Agent"
    )
    system = django_filters.ModelChoiceFilter(
        queryset=lambda request: System.objects.visible_to(request.actor), label="System"
    )
    submitted = django_filters.DateFromToRangeFilter(field_name="submitted_at", label="Asked")


class BreakGlassFilterSet(FilterSet):
    state = django_filters.MultipleChoiceFilter(choices=BreakGlassState, label="State")
    level = django_filters.MultipleChoiceFilter(choices=Level, label="Level")
    agent = django_filters.ModelChoiceFilter(
        queryset=lambda request: Agent.objects.visible_to(request.actor), label="Agent"
    )
    taken = django_filters.DateFromToRangeFilter(field_name="taken_at", label="Taken")
