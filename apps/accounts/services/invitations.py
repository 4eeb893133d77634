from datetime import date, timedelta

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from apps.accounts import policies
from apps.accounts.links import invitation_token, token_digest
from apps.accounts.models import Invitation, Seat, Team, User
from apps.accounts.models.invitation import new_seed
from apps.accounts.services.people import address_note, address_of, checked_time_zone
from apps.accounts.states import INVITATION_MOVES, InvitationState
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person, Role, System
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.notices.models import Notice
from apps.notices.services import notice_send

VALID_FOR = timedelta(days=7)
NOT_VALID = "This link is no longer valid. Ask a steward to invite you again."
MAIL = """{inviter} invites you to Countersign as {role}.

Open this link to choose your name and password. It works once, until {until:%-d %B %Y}:

$link

If you did not expect this, ignore it: without the link nothing happens.
"""


@transaction.atomic
def person_invite(
    *,
    email: str,
    display_name: str,
    role: Role,
    actor: Actor,
    team: Team | None = None,
    seat_ends_on: date | None = None,
) -> Invitation:
    """Mail a one-time link to an address. An expired invitation gives way to the new one."""
    enforce(policies.can_invite(actor))
    address = address_of(email)
    if User.objects.filter(email=address).exists():
        raise DomainError("Somebody with this address is here already. Change or reactivate them.")
    if role == Role.AUDITOR and (seat_ends_on is None or seat_ends_on < timezone.localdate()):
        raise DomainError("An auditor's seat ends on a date that is not past. Name it.")
    _give_way(address, actor)
    seed = new_seed()
    invitation = Invitation.objects.create(
        email=address,
        display_name=display_name.strip(),
        role=role,
        team=team,
        seat_ends_on=seat_ends_on if role == Role.AUDITOR else None,
        seed=seed,
        token_digest=token_digest(invitation_token(seed)),
        invited_by=actor.user if isinstance(actor, Person) else None,
        expires_at=timezone.now() + VALID_FOR,
    )
    record(
        actor=actor,
        verb=Verb.PERSON_INVITED,
        target=invitation,
        changes={"email": (None, address), "role": (None, role)},
    )
    _mail(invitation, actor=actor)
    return invitation


@transaction.atomic
def invitation_send_again(*, invitation_id: int, actor: Actor) -> Invitation:
    """Mail the same link once more; its time starts anew."""
    invitation = Invitation.objects.locked(invitation_id)
    enforce(policies.can_withdraw(actor, invitation))
    before = invitation.expires_at
    invitation.expires_at = timezone.now() + VALID_FOR
    invitation.save(update_fields=["expires_at"])
    record(
        actor=actor,
        verb=Verb.PERSON_INVITED,
        target=invitation,
        changes={"expires_at": (before, invitation.expires_at)},
    )
    _mail(invitation, actor=actor)
    return invitation


@transaction.atomic
def invitation_withdraw(*, invitation_id: int, reason: str, actor: Actor) -> Invitation:
    """Make an open invitation's link worthless."""
    invitation = Invitation.objects.locked(invitation_id)
    enforce(policies.can_withdraw(actor, invitation))
    _move(invitation, InvitationState.WITHDRAWN, Verb.INVITATION_WITHDRAWN, actor, reason)
    return invitation


@transaction.atomic
def invitation_accept(
    *, token: str, display_name: str, password: str, time_zone: str, request_id: str = ""
) -> User:
    """Make the account an invitation promises, with the password its holder chose."""
    invitation = invitation_for(token, lock=True)
    if invitation is None:
        raise DomainError(NOT_VALID)
    person = User(
        username=invitation.email,
        email=invitation.email,
        display_name=display_name.strip() or invitation.display_name,
        time_zone=checked_time_zone(time_zone),
    )
    person.set_password(password)
    person.save()
    address_note(person)
    person_take_up(person=person, invitation=invitation, request_id=request_id)
    return person


def person_take_up(*, person: User, invitation: Invitation, request_id: str) -> None:
    """Give somebody what their invitation promises. Call in a transaction, invitation locked."""
    person.role, person.team = invitation.role, invitation.team
    person.save(update_fields=["role", "team"])
    if invitation.role == Role.AUDITOR and invitation.seat_ends_on is not None:
        Seat.objects.create(user=person, ends_on=invitation.seat_ends_on)
    invitation.accepted_by = person
    actor = Person(person, request_id=request_id)
    _move(invitation, InvitationState.ACCEPTED, Verb.INVITATION_ACCEPTED, actor)
    record(
        actor=actor,
        verb=Verb.PERSON_CREATED,
        target=person,
        changes={"role": (None, person.role), "email": (None, person.email)},
    )


def invitation_for(token: str, *, lock: bool = False) -> Invitation | None:
    """The invitation a presented link stands for, while it can be accepted."""
    rows = Invitation.objects.acceptable_at(timezone.now())
    if lock:
        rows = rows.select_for_update(of=["self"])
    return rows.select_related("team").filter(token_digest=token_digest(token)).first()


def _give_way(address: str, actor: Actor) -> None:
    """A stale invitation of the same address ends, so that a new one can be made."""
    standing = Invitation.objects.open().select_for_update(of=["self"])
    old = standing.filter(email=address).first()
    if old is None:
        return
    if not old.has_expired:
        raise DomainError("This address has an open invitation already. Send it again instead.")
    _move(old, InvitationState.WITHDRAWN, Verb.INVITATION_WITHDRAWN, actor, "It had expired.")


def _move(
    invitation: Invitation, state: InvitationState, verb: Verb, actor: Actor, reason: str = ""
) -> None:
    before = invitation.state
    INVITATION_MOVES.check(before, state)
    invitation.state = state
    invitation.save(update_fields=["state", "accepted_by"])
    record(
        actor=actor,
        verb=verb,
        target=invitation,
        changes={"state": (before, state)},
        reason=reason,
    )


def _mail(invitation: Invitation, *, actor: Actor) -> None:
    kind = "accounts.invitation"
    sent = Notice.objects.about(invitation).aggregate(n=Count("pk"))["n"]
    notice_send(
        kind=kind,
        recipient=None,
        address=invitation.email,
        about=invitation,
        subject="You are invited to Countersign",
        body=MAIL.format(
            inviter="Countersign" if isinstance(actor, System) else actor,
            role=Role(invitation.role).label.lower(),
            until=invitation.expires_at,
        ),
        dedupe_key=f"{kind}:{invitation.pk}:{sent}",
        actor=actor,
    )
