from datetime import timedelta

import factory
from django.utils import timezone

from apps.accounts.links import invitation_token, token_digest
from apps.accounts.models import Invitation, Seat, Team, User
from apps.core.actors import Role


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User

    class Params:
        steward = factory.Trait(role=Role.STEWARD)
        nobody = factory.Trait(role="")

    username = factory.LazyAttribute(lambda person: person.email)
    email = factory.Sequence("person-{}@example.com".format)
    display_name = factory.Sequence("Person {}".format)
    role = Role.REVIEWER


class SeatFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Seat

    user = factory.SubFactory(UserFactory, role=Role.AUDITOR)
    ends_on = factory.LazyFunction(lambda: timezone.localdate() + timedelta(days=30))


class TeamFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Team

    name = factory.Sequence("Team {}".format)
    manager = factory.SubFactory(UserFactory)


class InvitationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Invitation

    email = factory.Sequence("guest-{}@example.com".format)
    display_name = factory.Sequence("Guest {}".format)
    role = Role.REVIEWER
    seed = factory.Sequence("seed-{}".format)
    token_digest = factory.LazyAttribute(
        lambda invitation: token_digest(invitation_token(invitation.seed))
    )
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=7))
