from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import available_timezones

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from apps.accounts import policies
from apps.accounts.models import Seat, Team, User
from apps.accounts.states import NOBODY, NOBODY_LABEL
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Channel, Person, Role, System
from apps.core.errors import DomainError
from apps.core.policies import enforce


def address_of(email: str) -> str:
    """One spelling for each address: it is the login."""
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise DomainError("This is no mail address.") from error
    if len(address) > 150:
        raise DomainError("This address is too long.")
    return address


def address_note(person: User) -> None:
    """Tell allauth that this address is known to be the person's own."""
    EmailAddress.objects.update_or_create(
        user=person, email=person.email, defaults={"verified": True, "primary": True}
    )


def checked_time_zone(name: str) -> str:
    if name not in available_timezones():
        raise DomainError(f"There is no time zone {name!r}.")
    return name


@transaction.atomic
def steward_create(*, email: str, display_name: str, password: str, actor: System) -> User:
    """Make a steward from the command line: the first, or one where nobody can sign in."""
    address = address_of(email)
    person: User | None = User.objects.select_for_update().filter(email=address).first()
    if person is None:
        person = User(username=address, email=address)
    elif not person.is_active:
        raise DomainError("This person is deactivated. A steward reactivates them.")
    before = person.role
    person.role = Role.STEWARD
    person.display_name = display_name.strip() or person.display_name or address
    person.set_password(password)
    person.save()
    address_note(person)
    record(
        actor=actor,
        verb=Verb.PERSON_CREATED if before == "" else Verb.PERSON_ROLE_CHANGED,
        target=person,
        changes={"role": (before or None, person.role)},
    )
    return person


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody made without an invitation: by a command, before anybody can invite."""

    email: str
    display_name: str
    role: Role | str
    password: str
    team: Team | None = None
    seat_ends_on: date | None = None


@transaction.atomic
def person_create(*, new: NewPerson, actor: System) -> User:
    address = address_of(new.email)
    person = User(
        username=address,
        email=address,
        display_name=new.display_name,
        role=new.role,
        team=new.team,
    )
    person.set_password(new.password)
    person.save()
    address_note(person)
    if new.role == Role.AUDITOR:
        _seat(person, new.seat_ends_on)
    record(
        actor=actor,
        verb=Verb.PERSON_CREATED,
        target=person,
        changes={"role": (None, str(new.role))},
    )
    return person


@transaction.atomic
def person_change(
    *, person_id: int, display_name: str, team: Team | None, time_zone: str, actor: Actor
) -> User:
    """Change somebody's name, team, and time zone."""
    person: User = User.objects.locked(person_id)
    enforce(policies.can_change_person(actor, person))
    if not display_name.strip():
        raise DomainError("A person needs a name.")
    changed = {
        "display_name": display_name.strip(),
        "team": team,
        "time_zone": checked_time_zone(time_zone),
    }
    return _changed(person, changed, actor=actor)


@transaction.atomic
def profile_change(*, display_name: str, time_zone: str, actor: Person) -> User:
    """Change one's own name and time zone."""
    person: User = User.objects.locked(actor.user.pk)
    if not display_name.strip():
        raise DomainError("You need a name.")
    changed = {
        "display_name": display_name.strip(),
        "time_zone": checked_time_zone(time_zone),
    }
    return _changed(person, changed, actor=actor)


@transaction.atomic
def person_change_role(
    *,
    person_id: int,
    role: str,
    reason: str,
    actor: Actor,
    seat_ends_on: date | None = None,
) -> User:
    """Give somebody another role; an auditor gets a seat that ends on a date.

    Nobody changes their own role, and the last steward keeps theirs: stewards are locked and
    counted first. Whoever becomes an auditor owns nothing; `apps.console` sees to that before.
    """
    person = _locked_with_stewards(person_id)
    enforce(policies.can_change_role(actor, person))
    if role not in {"", *Role.values}:
        raise DomainError("There is no such role.")
    if role == person.role:
        raise DomainError("They have this role already.")
    if not reason.strip():
        raise DomainError("Say why their role changes.")
    before, person.role = person.role, role
    person.save(update_fields=["role"])
    changes: dict[str, tuple[Any, Any]] = {"role": (before or None, role or None)}
    if role == Role.AUDITOR:
        changes["seat_ends_on"] = (None, _seat(person, seat_ends_on).ends_on)
    record(
        actor=actor,
        verb=Verb.PERSON_ROLE_CHANGED,
        target=person,
        changes=changes,
        reason=reason.strip(),
    )
    return person


@transaction.atomic
def person_deactivate(*, person_id: int, reason: str, actor: Actor) -> User:
    """End somebody's access; every session of theirs ends at once and stays ended.

    What they answer for must have passed to others: `apps.console.services.people` does both.
    """
    person = _locked_with_stewards(person_id)
    enforce(policies.can_deactivate(actor, person))
    if not reason.strip():
        raise DomainError("Say why they are deactivated.")
    if person.manages.exists():
        raise DomainError("They manage a team. Name another manager first.")
    now = timezone.now()
    person.is_active, person.deactivated_at, person.sessions_ended_at = False, now, now
    person.save(update_fields=["is_active", "deactivated_at", "sessions_ended_at"])
    record(
        actor=actor,
        verb=Verb.PERSON_DEACTIVATED,
        target=person,
        changes={"is_active": (True, False)},
        reason=reason.strip(),
    )
    return person


@transaction.atomic
def person_reactivate(*, person_id: int, reason: str, actor: Actor) -> User:
    """Let somebody back in, in the role they had. What they answered for stays with others."""
    person: User = User.objects.locked(person_id)
    enforce(policies.can_reactivate(actor, person))
    if not reason.strip():
        raise DomainError("Say why they come back.")
    person.is_active, person.deactivated_at = True, None
    person.save(update_fields=["is_active", "deactivated_at"])
    record(
        actor=actor,
        verb=Verb.PERSON_REACTIVATED,
        target=person,
        changes={"is_active": (False, True)},
        reason=reason.strip(),
    )
    return person


@transaction.atomic
def person_signed_in(*, methods: list[str], actor: Person) -> None:
    """Note how somebody proved who they are."""
    record(
        actor=actor,
        verb=Verb.SIGNED_IN,
        target=actor.user,
        changes={"by": (None, " and ".join(methods))},
    )


@transaction.atomic
def sign_in_failed(*, person_id: int | None, by: str, request_id: str) -> None:
    """Note that somebody could not prove to be a person, or anybody whom this house knows.

    What they typed as an address is not kept where nobody has it: it may well be a password.
    """
    known = User.objects.get(pk=person_id) if person_id else _nobody()
    record(
        actor=System("Somebody", Channel.WEB, request_id),
        verb=Verb.SIGN_IN_FAILED,
        target=known,
        changes={"by": (None, by)},
    )


@transaction.atomic
def person_proof_changed(*, verb: Verb, how: str, actor: Person) -> None:
    """Note that somebody changed by what they prove who they are."""
    record(actor=actor, verb=verb, target=actor.user, changes={"how": (None, how)})


def _nobody() -> User:
    return User(pk=NOBODY, display_name=NOBODY_LABEL)


def _locked_with_stewards(person_id: int) -> User:
    """Lock every standing steward and then the person, so that two stewards cannot both go."""
    stewards: list[User] = User.objects.locked_stewards()
    known = next((one for one in stewards if one.pk == person_id), None)
    person: User = known or User.objects.locked(person_id)
    return person


def _seat(person: User, ends_on: date | None) -> Seat:
    if ends_on is None or ends_on < timezone.localdate():
        raise DomainError("An auditor's seat ends on a date that is not past. Name it.")
    seat, _ = Seat.objects.update_or_create(user=person, defaults={"ends_on": ends_on})
    return seat


def _changed(person: User, changed: dict[str, Any], *, actor: Actor) -> User:
    changes = {
        name: (_plain(getattr(person, name)), _plain(value))
        for name, value in changed.items()
        if getattr(person, name) != value
    }
    if not changes:
        return person
    for name in changes:
        setattr(person, name, changed[name])
    person.save(update_fields=list(changes))
    record(actor=actor, verb=Verb.PERSON_CHANGED, target=person, changes=changes)
    return person


def _plain(value: Any) -> str | None:
    return None if value is None else str(value)
