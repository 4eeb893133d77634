from datetime import timedelta

import factory
from django.utils import timezone

from apps.approvals.models import (
    AccessRequest,
    BreakGlass,
    Group,
    GroupMember,
    Policy,
    PolicyRequirement,
    PolicyStep,
    RemovalProposal,
    RequestStep,
)
from apps.approvals.states import (
    BreakGlassState,
    BreakGlassVerdict,
    GroupKey,
    RequestState,
    RequirementKind,
)
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import AgentFactory, IdentityFactory


def past_hand_numbered(n):
    """A place that no test gives by hand, within what a small number holds."""
    return n % 30_000 + 1000


class GroupFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Group

    name = factory.Sequence("Group {}".format)


class KnownGroupFactory(GroupFactory):
    """A migration made it; a test that emptied every table before this one took it along."""

    class Meta:
        django_get_or_create = ["key"]

    name = factory.LazyAttribute(lambda group: group.key.label)


class SecurityFactory(KnownGroupFactory):
    key = GroupKey.SECURITY


class GroupMemberFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = GroupMember

    group = factory.SubFactory(GroupFactory)
    person = factory.SubFactory(UserFactory)


class PolicyFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Policy

    name = factory.Sequence("Policy {}".format)
    position = factory.Sequence(past_hand_numbered)


class PolicyStepFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PolicyStep

    policy = factory.SubFactory(PolicyFactory)
    position = factory.Sequence(past_hand_numbered)
    name = factory.Sequence("Step {}".format)


class PolicyRequirementFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PolicyRequirement

    step = factory.SubFactory(PolicyStepFactory)
    position = factory.Sequence(past_hand_numbered)
    kind = RequirementKind.MANAGER


class AccessRequestFactory(factory.django.DjangoModelFactory):
    """A request as it lies there; what leads to it is the services' to show."""

    class Meta:
        model = AccessRequest
        skip_postgeneration_save = True

    class Params:
        pending = factory.Trait(
            state=RequestState.PENDING,
            policy=factory.SubFactory(PolicyFactory),
            step_at=1,
            step_due_at=factory.LazyFunction(lambda: timezone.now() + timedelta(days=3)),
            running=factory.RelatedFactory(
                "tests.factories.approvals.RequestStepFactory", factory_related_name="request"
            ),
        )
        approved = factory.Trait(
            state=RequestState.APPROVED,
            policy=factory.SubFactory(PolicyFactory),
            decided_at=factory.LazyFunction(timezone.now),
        )

        in_place = factory.Trait(
            state=RequestState.PROVISIONED,
            policy=factory.SubFactory(PolicyFactory),
            decided_at=factory.LazyFunction(timezone.now),
            provisioned_at=factory.LazyFunction(timezone.now),
            access_ends_at=factory.LazyFunction(lambda: timezone.now() + timedelta(days=30)),
            grant=factory.SubFactory(
                GrantFactory,
                identity=factory.SelfAttribute("..identity"),
                service=factory.SelfAttribute("..service"),
            ),
        )

    agent = factory.SubFactory(AgentFactory, active=True)
    identity = factory.SubFactory(IdentityFactory)
    system = factory.SelfAttribute("identity.system")
    service = "customers"
    level = "write"
    label = factory.LazyAttribute(lambda one: f"{one.agent} · {one.system} · {one.service}")
    actions = ["customers:Update"]
    resources = ["*"]
    days = 30
    asked = factory.LazyAttribute(
        lambda one: {"actions": one.actions, "resources": one.resources, "days": one.days}
    )
    reason = "Sets the priority of tickets."
    asked_by = factory.SubFactory(UserFactory)
    asked_by_label = factory.LazyAttribute(lambda one: str(one.asked_by))
    lapses_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=30))
    scope_sha256 = factory.Sequence("{:064d}".format)
    digest = "0" * 64


class ProposalFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = RemovalProposal

    request = factory.SubFactory(AccessRequestFactory, in_place=True)
    days = 30
    use_is_known = False


class BreakGlassFactory(factory.django.DjangoModelFactory):
    """A use as it lies there, two hours long; `over` and `reviewed` as their names say."""

    class Meta:
        model = BreakGlass

    class Params:
        over = factory.Trait(
            state=BreakGlassState.ENDED,
            ended_at=factory.LazyFunction(timezone.now),
            ended_because="Its time was up.",
            review_due_at=factory.LazyFunction(lambda: timezone.now() + timedelta(days=2)),
        )
        reviewed = factory.Trait(
            over=True,
            state=BreakGlassState.REVIEWED,
            reviewed_by=factory.SubFactory(UserFactory),
            reviewed_at=factory.LazyFunction(timezone.now),
            verdict=BreakGlassVerdict.WARRANTED,
            review="The queue stood still; nothing smaller helped.",
        )

    agent = factory.SubFactory(AgentFactory, active=True)
    identity = factory.SubFactory(IdentityFactory)
    system = factory.SelfAttribute("identity.system")
    service = "customers"
    level = "write"
    label = factory.LazyAttribute(lambda one: f"{one.agent} · {one.system} · {one.service}")
    grant = factory.SubFactory(
        GrantFactory,
        identity=factory.SelfAttribute("..identity"),
        service=factory.SelfAttribute("..service"),
    )
    actions = ["customers:Update"]
    resources = ["*"]
    reason = "The queue stands still and nobody of the team can be reached."
    hours = 2
    taken_by = factory.SubFactory(UserFactory)
    taken_at = factory.LazyFunction(timezone.now)
    ends_at = factory.LazyAttribute(lambda one: one.taken_at + timedelta(hours=one.hours))
    scope_sha256 = factory.Sequence("{:064d}".format)


class RequestStepFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = RequestStep

    request = factory.SubFactory(AccessRequestFactory)
    position = 1
    name = "Need"
    hours = 72
