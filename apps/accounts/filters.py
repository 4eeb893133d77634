import django_filters

from apps.accounts.models import Team
from apps.core.actors import Actor, Role
from apps.core.filters import FilterSet, SearchFilter


class PersonFilterSet(FilterSet):
    q = SearchFilter(placeholder="Name or address")
    role = django_filters.ChoiceFilter(
        choices=Role, label="Role", null_label="No role", null_value=""
    )
    team = django_filters.ModelChoiceFilter(
        queryset=lambda request: _teams(request.actor), label="Team"
    )
    is_active = django_filters.ChoiceFilter(
        choices=[("true", "Active"), ("false", "Deactivated")], label="Account"
    )


class TeamFilterSet(FilterSet):
    q = SearchFilter("name", placeholder="Name")


def _teams(actor: Actor):
    return Team.objects.visible_to(actor)
