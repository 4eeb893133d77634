import factory
from django.utils import timezone

from apps.remediation.models import Incident, Order
from apps.remediation.states import OrderKind, OrderState
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import CredentialFactory


class OrderFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Order

    class Params:
        waiting = factory.Trait(state=OrderState.MANUAL_NEEDED)

    kind = OrderKind.REVOKE
    grant = factory.SubFactory(GrantFactory)
    label = factory.SelfAttribute("grant.label")
    reason = "Unused for 90 days"
    decided_by = factory.SubFactory(UserFactory)
    decided_at = factory.LazyFunction(timezone.now)


class IncidentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Incident

    credential = factory.SubFactory(CredentialFactory)
    order = factory.SubFactory(
        OrderFactory,
        kind=OrderKind.KILL,
        grant=None,
        credential=factory.SelfAttribute("..credential"),
        label="key",
    )
    exposed_since = factory.LazyFunction(timezone.now)
