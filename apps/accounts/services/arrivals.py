"""People who come by their identity provider."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Invitation, User
from apps.accounts.services.invitations import person_take_up
from apps.accounts.services.people import address_of
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Person


def may_arrive(email: str) -> bool:
    """Whether somebody unknown may come in with an address that their provider vouches for."""
    address = email.strip().lower()
    if Invitation.objects.acceptable_at(timezone.now()).filter(email=address).exists():
        return True
    domains = {domain.strip().lower() for domain in settings.OIDC_ALLOWED_DOMAINS}
    return address.rpartition("@")[2] in domains


@transaction.atomic
def person_arrive(*, person_id: int, display_name: str, request_id: str) -> User:
    """Note a person that sign-in at the provider has just made.

    Who was invited gets what the invitation promises; anybody else has no role until a steward
    gives them one.
    """
    person: User = User.objects.locked(person_id)
    person.email = person.username = address_of(person.email)
    person.display_name = display_name.strip()[:100] or person.email
    person.save(update_fields=["email", "username", "display_name"])
    waiting = Invitation.objects.acceptable_at(timezone.now()).select_for_update(of=["self"])
    invitation = waiting.filter(email=person.email).first()
    if invitation is not None:
        person_take_up(person=person, invitation=invitation, request_id=request_id)
        return person
    record(
        actor=Person(person, request_id=request_id),
        verb=Verb.PERSON_CREATED,
        target=person,
        changes={"role": (None, None), "email": (None, person.email)},
        reason="Signed in at the identity provider; the domain is allowed.",
    )
    return person
