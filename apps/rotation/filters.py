from datetime import timedelta
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.core.filters import DayFilter, FilterSet, LinkedFilter, Only, SearchFilter, Tick
from apps.inventory.states import STATIC_KINDS, CredentialKind
from apps.rotation.selectors.due import OVERDUE, SPANS
from apps.rotation.states import MigrationState, RotationState, RotationWay
from apps.rotation.ways_out import WAYS


class DueFilterSet(FilterSet):
    q = SearchFilter(placeholder="Id", at_least=3)
    due = django_filters.ChoiceFilter(
        method="by_due",
        choices=[(OVERDUE, "Overdue"), *((str(days), label) for days, label in SPANS)],
        label="Due",
    )
    due_from = DayFilter("rotation_due_at", "gte", "Due from")
    due_to = DayFilter("rotation_due_at", "lte", "Due until")
    owner = django_filters.ModelChoiceFilter(
        queryset=lambda request: (
            User.objects.visible_to(request.actor).who_may_decide().order_by("display_name")
        ),
        method="by_owner",
        label="Owner of an agent that uses it",
    )
    by = django_filters.ChoiceFilter(
        method="by_rule",
        choices=[("own", "Its own interval"), ("house", "The rule for static keys")],
        label="Due by",
    )
    kind = django_filters.MultipleChoiceFilter(choices=CredentialKind, label="Kind")
    system = LinkedFilter("System", "inventory.system", "identity__system_id")

    def by_due(self, rows: QuerySet, name: str, value: str) -> Any:
        now = timezone.now()
        if value == OVERDUE:
            return rows.rotation_due(None, now)  # type: ignore[attr-defined]
        return rows.rotation_due(now, now + timedelta(days=int(value)))  # type: ignore[attr-defined]

    def by_owner(self, rows: QuerySet, name: str, value: User | None) -> Any:
        return rows.of_people(value.pk) if value else rows  # type: ignore[attr-defined]

    def by_rule(self, rows: QuerySet, name: str, value: str) -> Any:
        if value == "own":
            return rows.filter(rotation_days__isnull=False)
        return rows.filter(rotation_days__isnull=True, kind__in=STATIC_KINDS)


class RotationFilterSet(FilterSet):
    q = SearchFilter(placeholder="Identity or credential", at_least=3)
    state = django_filters.MultipleChoiceFilter(choices=RotationState, label="State")
    way = django_filters.MultipleChoiceFilter(choices=RotationWay, label="How")
    open = Only("open", "Not over")
    waits = Only("waiting", "Needs a person")
    mine = django_filters.BooleanFilter(method="by_mine", label="Mine to do", widget=Tick)
    credential = LinkedFilter("Credential", "inventory.credential", "credential_id")

    def by_mine(self, rows: QuerySet, name: str, value: bool | None) -> Any:  # noqa: FBT001
        return rows.waiting_for(self.request.actor) if value else rows  # type: ignore[attr-defined]


class MigrationFilterSet(FilterSet):
    q = SearchFilter(placeholder="Identity or credential", at_least=3)
    state = django_filters.MultipleChoiceFilter(choices=MigrationState, label="State")
    way = django_filters.ChoiceFilter(
        choices=[(one.key, one.title) for one in WAYS], label="Way out"
    )
    owner = django_filters.ModelChoiceFilter(
        queryset=lambda request: (
            User.objects.visible_to(request.actor).who_may_decide().order_by("display_name")
        ),
        label="Owner",
    )
    open = Only("open", "Not over")
    late = Only("late", "Past its day")
    credential = LinkedFilter("Credential", "inventory.credential", "credential_id")
