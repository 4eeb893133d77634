import factory

from apps.connectors.models import Connection
from apps.connectors.states import ConnectionState
from tests.factories.accounts import UserFactory


class ConnectionFactory(factory.django.DjangoModelFactory):
    """One that reads; `removing=True` for one that two stewards let remove."""

    class Meta:
        model = Connection

    class Params:
        removing = factory.Trait(
            state=ConnectionState.REMOVING,
            removal_asked_by=factory.SubFactory(UserFactory),
            removal_allowed_by=factory.SubFactory(UserFactory),
        )

    name = factory.Sequence("Connection {}".format)
    kind = "aws"
    state = ConnectionState.READING
    told = factory.LazyFunction(lambda: {"auth": "ambient", "regions": ["us-east-1"]})
    accounts = factory.LazyFunction(lambda: ["000000000000"])
