import django_filters

from apps.approvals.states import BreakGlassState, RequestKind, RequestState
from apps.core.filters import FilterSet, LinkedFilter, SearchFilter
from apps.grants.states import Level


class RequestFilterSet(FilterSet):
    q = SearchFilter(placeholder="Agent, system, or service")
    state = django_filters.MultipleChoiceFilter(choices=RequestState, label="State")
    level = django_filters.MultipleChoiceFilter(choices=Level, label="Level")
    kind = django_filters.MultipleChoiceFilter(choices=RequestKind, label="Kind")
    stuck = django_filters.BooleanFilter(field_name="is_unmeetable", label="Nobody may approve")
    agent = LinkedFilter("Agent", "inventory.agent", "agent_id")
    system = LinkedFilter("System", "inventory.system", "system_id")
    submitted = django_filters.DateFromToRangeFilter(field_name="submitted_at", label="Asked")


class BreakGlassFilterSet(FilterSet):
    state = django_filters.MultipleChoiceFilter(choices=BreakGlassState, label="State")
    level = django_filters.MultipleChoiceFilter(choices=Level, label="Level")
    agent = LinkedFilter("Agent", "inventory.agent", "agent_id")
    taken = django_filters.DateFromToRangeFilter(field_name="taken_at", label="Taken")
