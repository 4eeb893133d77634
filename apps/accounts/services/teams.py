from typing import Any

from django.db import transaction

from apps.accounts import policies
from apps.accounts.models import Team, User
from apps.audit.services import Fact, record, record_many
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Role
from apps.core.errors import DomainError
from apps.core.policies import enforce


@transaction.atomic
def team_create(*, name: str, manager: User | None, actor: Actor) -> Team:
    enforce(policies.can_create_team(actor))
    team = Team.objects.create(name=_free_name(name), manager=_manager(manager))
    record(
        actor=actor,
        verb=Verb.TEAM_CREATED,
        target=team,
        changes={"name": (None, team.name), "manager": (None, _plain(manager))},
    )
    return team


@transaction.atomic
def team_change(
    *, team_id: int, name: str, manager: User | None, reason: str, actor: Actor
) -> Team:
    """Rename a team or give it another manager, who from then on decides its write access."""
    enforce(policies.can_change_team(actor))
    team = Team.objects.locked(team_id)
    changes: dict[str, tuple[Any, Any]] = {}
    if name.strip() != team.name:
        changes["name"] = (team.name, name.strip())
        team.name = _free_name(name)
    if manager != team.manager:
        if not reason.strip():
            raise DomainError("Say why the team gets another manager.")
        changes["manager"] = (_plain(team.manager), _plain(manager))
        team.manager = _manager(manager)
    if changes:
        team.save(update_fields=["name", "manager"])
        record(
            actor=actor,
            verb=Verb.TEAM_CHANGED,
            target=team,
            changes=changes,
            reason=reason.strip(),
        )
    return team


@transaction.atomic
def teams_hand_over(*, from_user_id: int, to_user_id: int, reason: str, actor: Actor) -> int:
    """Make somebody else the manager of every team one person manages."""
    enforce(policies.can_change_team(actor))
    taking = _manager(User.objects.get(pk=to_user_id))
    managed = Team.objects.filter(manager=from_user_id).select_related("manager")
    teams = list(managed.select_for_update(of=["self"]).order_by("pk"))
    facts = [
        Fact(team, {"manager": (_plain(team.manager), _plain(taking))}, reason) for team in teams
    ]
    Team.objects.filter(pk__in=[team.pk for team in teams]).update(manager=taking)
    return record_many(actor=actor, verb=Verb.TEAM_CHANGED, facts=facts)


def _free_name(name: str) -> str:
    wanted = name.strip()
    if not wanted:
        raise DomainError("A team needs a name.")
    if Team.objects.filter(name=wanted).exists():
        raise DomainError("There is a team of this name already.")
    return wanted


def _manager(person: User | None) -> User | None:
    if person is not None and (
        not person.is_active or person.role not in {Role.REVIEWER, Role.STEWARD}
    ):
        raise DomainError("Only an active reviewer or steward can manage a team.")
    return person


def _plain(person: User | None) -> str | None:
    return None if person is None else str(person)
