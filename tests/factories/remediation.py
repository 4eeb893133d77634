import factory
from django.utils import timezone

from apps.remediation.models import Order
from apps.remediation.states import OrderKind, OrderState
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory


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
