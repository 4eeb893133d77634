import django_filters

from apps.core.filters import FilterSet, SearchFilter
from apps.findings.rules import rule_choices
from apps.findings.states import FindingState, Severity


class FindingFilterSet(FilterSet):
    q = SearchFilter(placeholder="Agent, identity, credential, or grant", at_least=3)
    rule = django_filters.MultipleChoiceFilter(choices=rule_choices, label="What is wrong")
    severity = django_filters.MultipleChoiceFilter(choices=Severity, label="Severity")
    state = django_filters.MultipleChoiceFilter(choices=FindingState, label="State")
    agent = django_filters.NumberFilter(field_name="agent_id", label="Agent number")
    system = django_filters.NumberFilter(field_name="system_id", label="System number")
