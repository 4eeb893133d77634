from datetime import timedelta

import factory
from django.utils import timezone

from apps.issuing.models import Issuance
from apps.issuing.states import IssuanceState
from tests.factories.connectors import ConnectionFactory
from tests.factories.inventory import AgentClientFactory, BindingFactory


class IssuanceFactory(factory.django.DjangoModelFactory):
    """A lease that works for an hour."""

    class Meta:
        model = Issuance

    client = factory.SubFactory(AgentClientFactory)
    agent = factory.SelfAttribute("client.agent")
    binding = factory.SubFactory(BindingFactory, agent=factory.SelfAttribute("..agent"))
    identity = factory.SelfAttribute("binding.identity")
    connection = factory.SubFactory(ConnectionFactory, kind="vault")
    key = factory.Sequence("key-{}".format)
    label = factory.LazyAttribute(lambda issued: f"{issued.agent} · {issued.identity}")
    correlation_id = factory.Sequence("{:032x}".format)
    kind = "lease"
    external_id = factory.Sequence("database/creds/crm/{}".format)
    asked_at = factory.LazyFunction(timezone.now)
    issued_at = factory.LazyFunction(timezone.now)
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=1))
    ends_with = "Its lease is revoked: at once."
    state = IssuanceState.ACTIVE
