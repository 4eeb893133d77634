import factory

from apps.approvals.models import Group, GroupMember, Policy, PolicyRequirement, PolicyStep
from apps.approvals.states import RequirementKind
from tests.factories.accounts import UserFactory


class GroupFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Group

    name = factory.Sequence("Group {}".format)


class GroupMemberFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = GroupMember

    group = factory.SubFactory(GroupFactory)
    person = factory.SubFactory(UserFactory)


class PolicyFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Policy

    name = factory.Sequence("Policy {}".format)
    position = factory.Sequence(lambda n: n % 30_000 + 1)


class PolicyStepFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PolicyStep

    policy = factory.SubFactory(PolicyFactory)
    position = factory.Sequence(lambda n: n % 30_000 + 1)
    name = factory.Sequence("Step {}".format)


class PolicyRequirementFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PolicyRequirement

    step = factory.SubFactory(PolicyStepFactory)
    position = factory.Sequence(lambda n: n % 30_000 + 1)
    kind = RequirementKind.MANAGER
