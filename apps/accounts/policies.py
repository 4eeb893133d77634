"""Who may do what with people, teams, seats, and settings."""

from apps.accounts.models import Invitation, User
from apps.accounts.states import InvitationState
from apps.core.actors import Actor, Person, Role, reads_everything
from apps.core.policies import ALLOW, Verdict, deny

AUDITORS_READ = "An auditor reads and exports; they change nothing."
LAST_STEWARD = "This is the last steward. Make somebody else a steward first."


def can_browse(actor: Actor) -> Verdict:
    if reads_everything(actor) or actor.role:
        return ALLOW
    return deny("Your account has no role yet. A steward can give you one.")


def can_see_own_profile(actor: Actor) -> Verdict:
    return ALLOW if isinstance(actor, Person) else deny("Only a person has a profile.")


def can_invite(actor: Actor) -> Verdict:
    return _steward(actor, "Only a steward may invite people.")


def can_withdraw(actor: Actor, invitation: Invitation) -> Verdict:
    if invitation.state != InvitationState.OPEN:
        return deny("Only an open invitation can be withdrawn or sent again.")
    return _steward(actor, "Only a steward may withdraw an invitation or send it again.")


def can_change_person(actor: Actor, person: User) -> Verdict:
    """Name, team, and time zone."""
    return _steward(actor, "Only a steward may change somebody else's name, team, or time zone.")


def can_change_role(actor: Actor, person: User) -> Verdict:
    verdict = _steward(actor, "Only a steward may change roles.")
    if not verdict:
        return verdict
    if not person.is_active:
        return deny("Somebody deactivated has no role in force. Reactivate them first.")
    if _is(actor, person):
        return deny("You cannot change your own role. Another steward can.")
    return deny(LAST_STEWARD) if _is_last_steward(person) else ALLOW


def can_deactivate(actor: Actor, person: User) -> Verdict:
    verdict = _steward(actor, "Only a steward may deactivate somebody.")
    if not verdict:
        return verdict
    if not person.is_active:
        return deny("They are deactivated already.")
    if _is(actor, person):
        return deny("You cannot deactivate yourself. Another steward can.")
    return deny(LAST_STEWARD) if _is_last_steward(person) else ALLOW


def can_reactivate(actor: Actor, person: User) -> Verdict:
    if person.is_active:
        return deny("They are active.")
    return _steward(actor, "Only a steward may reactivate somebody.")


def can_change_seat(actor: Actor, person: User) -> Verdict:
    if person.role != Role.AUDITOR:
        return deny("Only an auditor has a seat.")
    if not person.is_active:
        return deny("They are deactivated. Reactivate them first.")
    return _steward(actor, "Only a steward may change an auditor's seat.")


def can_create_team(actor: Actor) -> Verdict:
    return _steward(actor, "Only a steward may make a team.")


def can_change_team(actor: Actor) -> Verdict:
    return _steward(actor, "Only a steward may change a team.")


def can_change_setting(actor: Actor) -> Verdict:
    return _steward(actor, "Only a steward may change a policy.")


def _steward(actor: Actor, reason: str) -> Verdict:
    if reads_everything(actor):
        return ALLOW
    return deny(AUDITORS_READ if actor.role == Role.AUDITOR else reason)


def _is(actor: Actor, person: User) -> bool:
    return isinstance(actor, Person) and actor.user.pk == person.pk


def _is_last_steward(person: User) -> bool:
    if person.role != Role.STEWARD or not person.is_active:
        return False
    return not User.objects.with_role(Role.STEWARD).exclude(pk=person.pk).exists()
