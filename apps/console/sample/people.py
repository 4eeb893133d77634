"""The invented company's people and teams. Their names are their roles."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services.people import NewPerson, person_create
from apps.accounts.services.teams import team_create
from apps.console.sample.catalogue import PEOPLE, TEAMS
from apps.core.actors import System


@transaction.atomic
def people_load(*, password: str, actor: System) -> dict[str, User]:
    """Create everybody with one password; returns them by the part before the @."""
    people = {
        name: person_create(
            new=NewPerson(
                email=f"{name}@example.com",
                display_name=display_name,
                role=role,
                password=password,
                seat_ends_on=timezone.localdate() + timedelta(days=60),
            ),
            actor=actor,
        )
        for name, display_name, role, _ in PEOPLE
    }
    teams = {
        name: team_create(name=name, manager=people[manager], actor=actor)
        for name, manager in TEAMS.items()
    }
    for name, _, _, team_name in PEOPLE:
        if team_name:
            people[name].team = teams[team_name]
            people[name].save(update_fields=["team"])
    return people
