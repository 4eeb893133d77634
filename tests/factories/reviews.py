from datetime import timedelta

import factory
from django.utils import timezone

from apps.reviews.models import (
    Assignment,
    Campaign,
    Decision,
    Draft,
    Hold,
    ItemNote,
    ReviewItem,
    Template,
)
from apps.reviews.states import CampaignState, FoundBy, ItemState, NoteKind, Outcome
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import AgentFactory, BindingFactory, CredentialFactory

SCOPE = {
    "subjects": ["grant"],
    "levels": [],
    "systems": [],
    "teams": [],
    "environments": [],
    "findings": [],
    "tags": [],
    "agents": [],
    "include_service_linked": False,
}


class TemplateFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Template

    class Params:
        monthly = factory.Trait(
            recurrence="FREQ=MONTHLY;BYMONTHDAY=1",
            starts_on=factory.LazyFunction(lambda: timezone.localdate() - timedelta(days=200)),
            frequency_reason="A targeted risk analysis asks for it.",
            stages_itself=True,
        )

    name = factory.Sequence("Template {}".format)
    scope = factory.LazyFunction(lambda: dict(SCOPE))
    fallback_reviewer = factory.SubFactory(UserFactory, steward=True)
    run_by = factory.SubFactory(UserFactory, steward=True)


class CampaignFactory(factory.django.DjangoModelFactory):
    """A draft; traits jump to a state as services would have left it."""

    class Meta:
        model = Campaign

    class Params:
        staged = factory.Trait(
            state=CampaignState.STAGED, staged_at=factory.LazyFunction(timezone.now)
        )
        running = factory.Trait(
            state=CampaignState.RUNNING,
            staged_at=factory.LazyFunction(lambda: timezone.now() - timedelta(days=1)),
            launched_at=factory.LazyFunction(lambda: timezone.now() - timedelta(days=1)),
        )
        closed = factory.Trait(
            state=CampaignState.CLOSED,
            staged_at=factory.LazyFunction(lambda: timezone.now() - timedelta(days=30)),
            launched_at=factory.LazyFunction(lambda: timezone.now() - timedelta(days=30)),
            decided_at=factory.LazyFunction(lambda: timezone.now() - timedelta(days=10)),
            closed_at=factory.LazyFunction(lambda: timezone.now() - timedelta(days=1)),
        )

    name = factory.Sequence("Campaign {}".format)
    scope = factory.LazyFunction(lambda: dict(SCOPE))
    run_by = factory.SubFactory(UserFactory, steward=True)
    fallback_reviewer = factory.SubFactory(UserFactory, steward=True)
    deadline_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=14))


class ReviewItemFactory(factory.django.DjangoModelFactory):
    """An open item about one write grant of one agent, with its manager as reviewer."""

    class Meta:
        model = ReviewItem
        skip_postgeneration_save = True

    class Params:
        of_credential = factory.Trait(
            grant=None,
            credential=factory.SubFactory(CredentialFactory),
            system=factory.SelfAttribute("credential.identity.system"),
            label=factory.SelfAttribute("credential.external_id"),
        )

    campaign = factory.SubFactory(CampaignFactory, running=True)
    grant = factory.SubFactory(GrantFactory)
    system = factory.SelfAttribute("grant.system")
    agent = factory.SubFactory(AgentFactory, active=True)
    level = factory.LazyAttribute(lambda item: item.grant.level if item.grant else "write")
    label = factory.LazyAttribute(lambda item: item.grant.label if item.grant else "credential")
    reviewer = factory.SelfAttribute("agent.team.manager")
    attester = factory.SelfAttribute("agent.owner")
    found_by = FoundBy.MANAGER

    @factory.post_generation
    def bound(self, create, extracted, **kwargs):
        """Bind the agent to the identity, as staging found it; `bound=False` leaves it."""
        subject = self.grant or self.credential
        if create and extracted is not False and self.agent and subject:
            BindingFactory(agent=self.agent, identity=subject.identity)


class AssignmentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Assignment

    item = factory.SubFactory(ReviewItemFactory)
    reviewer = factory.SelfAttribute("item.reviewer")
    found_by = FoundBy.MANAGER


class DraftFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Draft

    item = factory.SubFactory(ReviewItemFactory)
    reviewer = factory.SelfAttribute("item.reviewer")
    outcome = Outcome.REVOKE
    reason = "Nothing has used it."


class DecisionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Decision

    item = factory.SubFactory(ReviewItemFactory, state=ItemState.DECIDED)
    outcome = Outcome.KEEP
    reason = "It sets the priority of tickets."
    decided_by = factory.SelfAttribute("item.reviewer")


class HoldFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Hold

    campaign = factory.SubFactory(CampaignFactory, state=CampaignState.DECIDED)
    kind = "no_answer"
    count = 60
    share_percent = 40


class ItemNoteFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ItemNote

    item = factory.SubFactory(ReviewItemFactory)
    kind = NoteKind.COMMENT
    text = "It is needed until the migration ends."
    author = factory.SubFactory(UserFactory)
