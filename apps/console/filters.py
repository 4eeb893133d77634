import django_filters

from apps.accounts.models import User
from apps.audit.verbs import Verb
from apps.console.timelines import kinds_in_words
from apps.core.actors import Channel
from apps.core.filters import DayFilter, FilterSet, LinkedFilter, SearchFilter


class SubjectFilter(LinkedFilter):
    """Entries about one record, whose kind stands beside it."""

    def __init__(self) -> None:
        super().__init__("Record", "audit.auditentry", "target_id")

    def shown(self, value: int) -> str:
        """As its newest entry calls it, of those that the reader may see."""
        if not self.parent.form.cleaned_data.get("kind"):
            return f"any with the number {value}"
        newest = self.parent.qs.order_by("-pk").first()
        return newest.target_label if newest else "one of which nothing is said"


class RecordFilterSet(FilterSet):
    q = SearchFilter(
        field_name="target_label", placeholder="Record: agent, grant, campaign", at_least=3
    )
    actor = django_filters.ModelChoiceFilter(
        queryset=lambda request: User.objects.who_acted().order_by("display_name"),
        label="Person",
    )
    verb = django_filters.MultipleChoiceFilter(choices=Verb, label="Did what")
    channel = django_filters.MultipleChoiceFilter(choices=Channel, label="Through")
    since = DayFilter("occurred_at", "gte", "From")
    until = DayFilter("occurred_at", "lte", "Until")
    kind = django_filters.ChoiceFilter(
        field_name="target_type", choices=kinds_in_words, label="Kind of record"
    )
    record = SubjectFilter()
    request_id = django_filters.CharFilter(label="In one web request")
