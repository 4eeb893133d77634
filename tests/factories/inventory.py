import factory
from allauth.idp.oidc.models import Client
from django.utils import timezone

from apps.inventory.models import (
    Agent,
    AgentClient,
    Binding,
    Credential,
    Identity,
    Source,
    System,
    Task,
)
from apps.inventory.states import AgentState, CredentialKind
from tests.factories.accounts import TeamFactory, UserFactory


class SourceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Source

    stream = factory.Sequence("countersign:test-{}".format)
    format = "countersign"
    label = factory.Sequence("Test source {}".format)
    raw_sha256 = "0" * 64
    brought_by_label = "test"
    channel = "command"


class AgentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Agent

    class Params:
        active = factory.Trait(
            state=AgentState.ACTIVE,
            purpose="Answers tickets.",
            purpose_changed_at=factory.LazyFunction(timezone.now),
        )

    name = factory.Sequence("agent-{}".format)
    owner = factory.SubFactory(UserFactory)
    team = factory.SubFactory(TeamFactory)


class TaskFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Task

    agent = factory.SubFactory(AgentFactory)
    position = factory.Sequence(lambda n: n % 1000)
    title = factory.Sequence("Task {}".format)


class SystemFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = System

    name = factory.Sequence("System {}".format)
    kind = "crm"


class IdentityFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Identity

    system = factory.SubFactory(SystemFactory)
    name = factory.Sequence("svc-{}".format)
    external_id = factory.LazyAttribute(lambda identity: f"crm:{identity.name}")
    kind = "service-account"


class BindingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Binding

    agent = factory.SubFactory(AgentFactory)
    identity = factory.SubFactory(IdentityFactory)


class CredentialFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Credential

    class Params:
        gone = factory.Trait(gone_at=factory.LazyFunction(timezone.now))

    identity = factory.SubFactory(IdentityFactory)
    kind = CredentialKind.API_KEY
    external_id = factory.Sequence("key-{}".format)
    issued_at = factory.LazyFunction(timezone.now)


class OAuthClientFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Client

    name = factory.Sequence("Client {}".format)
    scopes = "requests:read\nrequests:write"
    grant_types = "client_credentials"


class AgentClientFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = AgentClient

    agent = factory.SubFactory(AgentFactory, active=True)
    oauth_client = factory.SubFactory(OAuthClientFactory)
    name = factory.LazyAttribute(lambda client: client.agent.name)
    scopes = ["requests:read", "requests:write"]
