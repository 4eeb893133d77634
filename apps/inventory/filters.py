from typing import Any

import django_filters
from django.db.models import QuerySet

from apps.accounts.models import Team
from apps.core.filters import DayFilter, FilterSet, LinkedFilter, Only, OnlySeen, SearchFilter
from apps.inventory.models import Source
from apps.inventory.states import (
    AgentState,
    BindingHow,
    ClientState,
    CredentialKind,
    CredentialState,
    Environment,
    StoredIn,
)


class StreamFilter(django_filters.ModelChoiceFilter):
    """Rows that one source told of, in its newest reading or an earlier one."""

    def __init__(self) -> None:
        super().__init__(
            queryset=lambda request: Source.objects.visible_to(request.actor).current(),
            to_field_name="stream",
            label="Source",
        )

    def filter(self, qs: QuerySet, value: Source | None) -> QuerySet:
        return qs.filter(stream=value.stream) if value else qs


class ServiceLinkedFilter(django_filters.ChoiceFilter):
    """Rows by whether a provider owns and uses their identity itself."""

    def __init__(self) -> None:
        super().__init__(
            choices=[("yes", "Service-linked identities"), ("no", "All other identities")],
            label="Of",
        )

    def filter(self, qs: QuerySet, value: str) -> Any:
        return qs.service_linked(linked=value == "yes") if value else qs  # type: ignore[attr-defined]


class AgentFilterSet(FilterSet):
    q = SearchFilter(placeholder="Name")
    state = django_filters.MultipleChoiceFilter(choices=AgentState, label="State")
    environment = django_filters.MultipleChoiceFilter(choices=Environment, label="Environment")
    team = django_filters.ModelChoiceFilter(queryset=Team.objects.all(), label="Team")
    standing = Only("standing", "Not retired")
    ownerless = Only("ownerless", "No active owner")
    unexplained = OnlySeen("unexplained", "Recent activity not explained, or not known")
    trail = django_filters.ChoiceFilter(
        method="by_trail",
        choices=[("none", "None connected"), ("connected", "Connected")],
        label="Trail",
    )

    def by_trail(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        kept: QuerySet = rows.with_trail(connected=value == "connected")  # type: ignore[attr-defined]
        return kept


class SystemFilterSet(FilterSet):
    q = SearchFilter(placeholder="Name")
    kind = django_filters.CharFilter(field_name="kind", label="Kind")
    environment = django_filters.MultipleChoiceFilter(choices=Environment, label="Environment")
    present = Only("present", "Still in its source")
    log = django_filters.ChoiceFilter(
        method="by_log",
        choices=[("none", "None connected"), ("connected", "Connected")],
        label="Log",
    )
    stream = StreamFilter()
    gone = Only("gone", "Gone from its source")

    def by_log(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        kept: QuerySet = rows.with_log(connected=value == "connected")  # type: ignore[attr-defined]
        return kept


class IdentityFilterSet(FilterSet):
    q = SearchFilter(placeholder="Name or id", at_least=3)
    kind = django_filters.CharFilter(field_name="kind", label="Kind")
    system = LinkedFilter("System", "inventory.system", "system_id")
    present = Only("present", "Still in its source")
    agentless = Only("agentless", "No agent bound")
    stream = StreamFilter()
    gone = Only("gone", "Gone from its source")


class BindingFilterSet(FilterSet):
    how = django_filters.MultipleChoiceFilter(choices=BindingHow, label="How")
    live = Only("live", "In force")
    agent = LinkedFilter("Agent", "inventory.agent", "agent_id")
    identity = LinkedFilter("Identity", "inventory.identity", "identity_id")


class CredentialFilterSet(FilterSet):
    q = SearchFilter(placeholder="Id", at_least=3)
    state = django_filters.MultipleChoiceFilter(choices=CredentialState, label="State")
    kind = django_filters.MultipleChoiceFilter(choices=CredentialKind, label="Kind")
    stored_in = django_filters.MultipleChoiceFilter(choices=StoredIn, label="Secret stored in")
    identity = LinkedFilter("Identity", "inventory.identity", "identity_id")
    system = LinkedFilter("System", "inventory.system", "identity__system_id")
    endless = Only("never_expires_or_rotates", "Never expires or rotates")
    open_ended = Only("exposed_without_end", "Works until somebody ends it")
    rotate_before = DayFilter("rotation_due_at", "lt", "Rotation due before")
    standing = Only("standing", "Neither over nor gone")
    over = Only("over", "Over or gone")
    service_linked = ServiceLinkedFilter()
    shared = Only("shared", "Shared by several agents")
    expires_before = DayFilter("expires_at", "lt", "Expires before")
    stream = StreamFilter()
    gone = Only("gone", "Gone from its source")


class AgentClientFilterSet(FilterSet):
    q = SearchFilter(placeholder="Agent")
    state = django_filters.MultipleChoiceFilter(choices=ClientState, label="State")
