from urllib.parse import parse_qs

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from apps.activity.querysets.reconstructions import NEVER, judged, overdue
from apps.activity.selectors.breaking import runs_asked
from apps.activity.settling import settled_before
from apps.activity.states import DEEDS, Basis, ErasureState, Outcome, Told
from apps.core.filters import DayFilter, FilterSet, LinkedFilter, Only, OnlySeen, SearchFilter, Tick
from apps.grants.states import Level
from apps.inventory.filters import CredentialFilterSet
from apps.inventory.models import Agent, Credential

MOST_ASKED = 50


class AgentOfRun(LinkedFilter):
    """Runs of one agent, or of those that nobody knows, which a link calls 0."""

    def __init__(self) -> None:
        super().__init__("Agent", "inventory.agent", "agent_id")

    def filter(self, qs: QuerySet, value: int | None) -> QuerySet:
        return qs.filter(agent_id=None) if value == 0 else super().filter(qs, value)

    def shown(self, value: int) -> str:
        return super().shown(value) if value else "not known"


class FailingWithout(django_filters.CharFilter):
    """The runs that would have failed without what a dialog asks about, which links there."""

    def __init__(self) -> None:
        super().__init__(label="Would have failed without", widget=forms.HiddenInput)

    def filter(self, qs: QuerySet, value: str) -> QuerySet:
        return qs.filter(pk__in=runs_asked(value, self.parent.request.actor)) if value else qs

    def shown(self, value: str) -> str:
        what = {"credential": "one credential", "grant": "one grant"}
        return what.get(value.partition("-")[0], "all of these credentials and grants")


class InvocationFilterSet(FilterSet):
    q = SearchFilter(
        method="by_id", label="Trace or correlation id", placeholder="Trace or correlation id"
    )
    outcome = django_filters.MultipleChoiceFilter(
        choices=[choice for choice in Outcome.choices if choice[0]], label="Outcome"
    )
    flagged = Only("flagged", "Flagged by the agent or a guard")
    unproven = django_filters.BooleanFilter(
        method="by_missed", label="With an action that no system's log has", widget=Tick
    )
    since = DayFilter("started_at", "gte", "Began from")
    until = DayFilter("started_at", "lte", "Began until")
    agent = AgentOfRun()
    without = FailingWithout()
    conversation = django_filters.CharFilter(label="Conversation")

    def by_id(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.of_id(value)  # type: ignore[attr-defined, no-any-return]

    def by_missed(self, rows: QuerySet, name: str, value: bool) -> QuerySet:  # noqa: FBT001
        if not value:
            return rows
        settled, actor = settled_before(timezone.now()), self.request.actor
        return rows.with_missed(settled, actor)  # type: ignore[attr-defined, no-any-return]


class Bound(django_filters.IsoDateTimeFilter):
    """One end of an exact time that a link carries, unseen by who filters."""

    def __init__(self, lookup_expr: str, label: str):
        super().__init__("happened_at", lookup_expr, label=label, widget=forms.HiddenInput)


class AnyOf(django_filters.CharFilter):
    """One value, or several with commas between."""

    def filter(self, qs: QuerySet, value: str) -> QuerySet:
        asked = _parts(value)
        return qs.filter(**{f"{self.field_name}__in": asked}) if asked else qs


class SystemOfDeed(LinkedFilter):
    """Deeds of one system, or of those that nobody knows, which a link calls 0."""

    def __init__(self) -> None:
        super().__init__("System", "inventory.system", "")

    def filter(self, qs: QuerySet, value: int | None) -> QuerySet:
        return qs if value is None else qs.of_system(value)  # type: ignore[attr-defined]

    def shown(self, value: int) -> str:
        return super().shown(value) if value else "not known"


class EventRowFilterSet(FilterSet):
    """What calls and deeds are both filtered by. The time is the systems' and agents' own."""

    name = AnyOf(label="Name")
    outcome = django_filters.MultipleChoiceFilter(
        choices=[choice for choice in Outcome.choices if choice[0]], label="Outcome"
    )
    since = DayFilter("happened_at", "gte", "From")
    until = DayFilter("happened_at", "lte", "Until")
    start = Bound("gte", "From")
    end = Bound("lt", "Before")


class WithCredentials(django_filters.CharFilter):
    """Calls with the credentials that a list of credentials shows: the query of that list."""

    def __init__(self) -> None:
        super().__init__(label="With credentials of a list", widget=forms.HiddenInput)

    def filter(self, qs: QuerySet, value: str) -> QuerySet:
        if not value:
            return qs
        request = self.parent.request
        rows = Credential.objects.visible_to(request.actor).standing()
        query = MultiValueDict(parse_qs(value))
        chosen = CredentialFilterSet(query, queryset=rows, request=request)
        if not chosen.is_valid():
            return qs.none()
        return qs.filter(credential_id__in=chosen.qs.order_by().values("pk"))

    def shown(self, value: str) -> str:
        """What the chip says."""
        is_all = value == "standing=true"
        return "those that still work" if is_all else "those of a filtered list"


class CallFilterSet(EventRowFilterSet):
    unexplained = django_filters.BooleanFilter(
        method="by_unexplained", label="No run tells of it", widget=Tick
    )
    told = Only("told", "A run tells of it")
    untold = Only("untold", "Of a run that never told it")
    outside = django_filters.ChoiceFilter(
        method="by_outside",
        label="Outside any grant",
        choices=[("told", "No grant would have allowed it"), ("not-told", "Cannot be told")],
    )
    allowed = Only("allowed", "The system allowed it")
    attributed = Only("attributed", "Tied to one agent")
    nobodys = Only("of_nobody", "Tied to no one agent")
    level = django_filters.MultipleChoiceFilter(choices=Level, label="Level")
    address = AnyOf(label="From address")
    client = django_filters.CharFilter(method="by_client", label="Client, without its version")
    hour = django_filters.CharFilter(method="by_hour", label="At these hours of the day (UTC)")
    agent = LinkedFilter("Agent", "inventory.agent", method="by_agent")
    identity = LinkedFilter("Identity", "inventory.identity", "identity_id")
    credential = LinkedFilter("Credential", "inventory.credential", "credential_id")
    listed = WithCredentials()
    system = LinkedFilter("System", "inventory.system", method="by_system")

    def by_unexplained(self, rows: QuerySet, name: str, value: bool) -> QuerySet:  # noqa: FBT001
        if not value:
            return rows
        return rows.unexplained(settled_before(timezone.now()))  # type: ignore[attr-defined, no-any-return]

    def by_outside(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.outside(is_told=value == "told")  # type: ignore[attr-defined, no-any-return]

    def by_client(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.by_client(_parts(value))  # type: ignore[attr-defined, no-any-return]

    def by_hour(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.at_hours(int(one) for one in _parts(value) if one.isdecimal())  # type: ignore[attr-defined, no-any-return]

    def by_agent(self, rows: QuerySet, name: str, value: int) -> QuerySet:
        """Which calls are a stranger's is not told, even of an identity shared with them."""
        agents = Agent.objects.visible_to(self.request.actor)
        if not agents.filter(pk=value).exists():
            return rows.none()
        return rows.calls_of_agent(value)  # type: ignore[attr-defined, no-any-return]

    def by_system(self, rows: QuerySet, name: str, value: int) -> QuerySet:
        return rows.calls_on(value)  # type: ignore[attr-defined, no-any-return]


class OnSeat(Only):
    """What the logs say of deeds: told of the systems within the reader's seat alone."""

    def filter(self, qs: QuerySet, value: bool | None) -> QuerySet:  # noqa: FBT001
        return super().filter(qs.on_seat(self.parent.request.actor), value) if value else qs  # type: ignore[attr-defined]


class DeedFilterSet(EventRowFilterSet):
    unconfirmed = django_filters.BooleanFilter(
        method="by_missed", label="A whole log shows no such call", widget=Tick
    )
    unproven = OnSeat("unproven", "No API call proves it")
    confirmed = OnSeat("confirmed", "An API call proves it")
    flagged = Only("flagged", "Flagged by the agent or a guard")
    kind = django_filters.ChoiceFilter(
        choices=[(kind.value, kind.label) for kind in DEEDS], label="Kind"
    )
    agent = LinkedFilter("Agent", "inventory.agent", method="by_agent")
    system = SystemOfDeed()

    def by_agent(self, rows: QuerySet, name: str, value: int) -> QuerySet:
        return rows.deeds_of_agent(value)  # type: ignore[attr-defined, no-any-return]

    def by_missed(self, rows: QuerySet, name: str, value: bool) -> QuerySet:  # noqa: FBT001
        if not value:
            return rows
        on_seat = rows.on_seat(self.request.actor)  # type: ignore[attr-defined]
        return on_seat.missed(settled_before(timezone.now()))  # type: ignore[no-any-return]


def _parts(value: str) -> list[str]:
    return [one.strip() for one in (value or "").split(",") if one.strip()][:MOST_ASKED]


class ReconstructionFilterSet(FilterSet):
    q = SearchFilter(placeholder="Name")
    verdict = django_filters.MultipleChoiceFilter(
        choices=[*Told.choices, (NEVER, "Never checked")], label="Verdict", method="by_verdict"
    )
    overdue = django_filters.BooleanFilter(label="Overdue", method="by_overdue", widget=Tick)
    unexplained = OnlySeen("unexplained", "Recent activity not explained, or not known")

    def by_verdict(self, rows: QuerySet, name: str, values: list[str]) -> QuerySet:
        return judged(rows, values) if values else rows

    def by_overdue(self, rows: QuerySet, name: str, value: bool | None) -> QuerySet:  # noqa: FBT001
        return overdue(rows, timezone.localdate()) if value else rows


class ErasureFilterSet(FilterSet):
    state = django_filters.MultipleChoiceFilter(choices=ErasureState, label="State")
    basis = django_filters.MultipleChoiceFilter(choices=Basis, label="By what right")
    since = DayFilter("asked_at", "gte", "Asked from")
    until = DayFilter("asked_at", "lte", "Asked until")
