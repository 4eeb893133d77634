import django_filters

from apps.core.filters import FilterSet, LinkedFilter, SearchFilter
from apps.findings.rules import rule_choices
from apps.findings.states import FindingState, Severity


class FindingFilterSet(FilterSet):
    q = SearchFilter(placeholder="Agent, identity, credential, or grant", at_least=3)
    rule = django_filters.MultipleChoiceFilter(choices=rule_choices, label="What is wrong")
    severity = django_filters.MultipleChoiceFilter(choices=Severity, label="Severity")
    state = django_filters.MultipleChoiceFilter(choices=FindingState, label="State")
    agent = LinkedFilter("Agent", "inventory.agent", "agent_id")
    system = LinkedFilter("System", "inventory.system", "system_id")
