import factory
from django.utils import timezone

from apps.grants.models import Grant, GrantStatement, Justification, Permission
from apps.grants.states import GrantState, Level
from tests.factories.accounts import UserFactory
from tests.factories.inventory import IdentityFactory


class PermissionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Permission

    system_kind = "crm"
    key = factory.Sequence("customers:action-{}".format)
    service = "customers"


class GrantFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Grant

    class Params:
        revoked = factory.Trait(
            state=GrantState.REVOKED, ended_at=factory.LazyFunction(timezone.now)
        )
        read = factory.Trait(level=Level.READ)
        admin = factory.Trait(level=Level.ADMIN)

    identity = factory.SubFactory(IdentityFactory)
    system = factory.SelfAttribute("identity.system")
    service = factory.Sequence("service-{}".format)
    level = Level.WRITE
    label = factory.LazyAttribute(
        lambda grant: (
            f"{grant.identity.name} · {grant.system.name} · {grant.service} · {grant.level}"
        )
    )


class GrantStatementFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = GrantStatement

    grant = factory.SubFactory(GrantFactory)
    # Past what a test numbers by hand.
    position = factory.Sequence(lambda n: n + 1000)
    actions = ["customers:Update"]
    resources = ["*"]


class JustificationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Justification

    grant = factory.SubFactory(GrantFactory)
    reason = factory.Sequence("Sets the priority of ticket kind {}".format)
    reason_sha256 = "0" * 64
    given_by = factory.SubFactory(UserFactory)
    given_by_label = "test"
