import django_filters
from django.db.models import QuerySet

from apps.accounts.models import Team
from apps.accounts.querysets import TeamQuerySet
from apps.core.actors import Actor, Role
from apps.core.filters import FilterSet, SearchFilter


class PersonFilterSet(FilterSet):
    q = SearchFilter(placeholder="Name or address")
    role = django_filters.ChoiceFilter(
        choices=[*Role.choices, ("none", "No role")], label="Role", method="of_role"
    )
    team = django_filters.ModelChoiceFilter(
        queryset=lambda request: _teams(request.actor), label="Team"
    )
    is_active = django_filters.ChoiceFilter(
        choices=[("True", "Active"), ("False", "Deactivated")], label="Account"
    )

    def of_role(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(role="" if value == "none" else value)


class TeamFilterSet(FilterSet):
    q = SearchFilter("name", placeholder="Name")


def _teams(actor: Actor) -> TeamQuerySet:
    return Team.objects.visible_to(actor)
