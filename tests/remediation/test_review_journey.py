"""From a review's decision to a policy that was changed, on a server that enforces it."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from django.utils import timezone

from apps.accounts.models import User
from apps.connectors.services.connections import connection_read
from apps.core.actors import Person, System
from apps.grants.models import Grant
from apps.inventory.models import Agent, Identity
from apps.remediation import tasks
from apps.remediation.models import Order
from apps.remediation.services import orders
from apps.remediation.states import OrderState
from apps.reviews.choices import Chosen
from apps.reviews.models import Campaign, ReviewItem
from apps.reviews.scope import Scope
from apps.reviews.services.campaigns import (
    NewCampaign,
    campaign_close,
    campaign_create,
    campaign_decide,
    campaign_launch,
    campaign_stage,
)
from apps.reviews.services.items import draft_save, items_submit
from apps.reviews.services.reconciling import campaigns_follow_orders
from apps.reviews.states import CampaignState, Outcome
from tests.factories.accounts import UserFactory
from tests.factories.inventory import AgentFactory, BindingFactory
from tests.remediation.aws import Company
from tests.reviews.choosing import keeping
from tests.servers.aws import allow, policy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("ministack")]
WORKER = System("test")
WHY = "It only ever makes buckets."
MAKE, DROP = "s3:CreateBucket", "s3:DeleteBucket"
LIST, ROLES = "iam:ListUsers", "iam:ListRoles"


@dataclass
class Reviewed:
    """An agent's user on AWS: one managed policy of two actions, and one inline policy."""

    company: Company
    steward: User
    agent: Agent
    user: object
    arn: str

    @property
    def iam(self):
        return self.company.server.client("iam")

    def read(self):
        connection_read(connection_id=self.company.connection.pk, actor=WORKER)

    def may(self, action):
        server, key = self.company.server, self.user.key
        name = f"{self.user.name}-bucket"
        calls = {
            MAKE: lambda: server.client("s3", key).create_bucket(Bucket=name),
            DROP: lambda: server.client("s3", key).delete_bucket(Bucket=name),
            LIST: lambda: server.client("iam", key).list_users(),
            ROLES: lambda: server.client("iam", key).list_roles(),
        }
        try:
            calls[action]()
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            return False
        return True

    def grant(self, service):
        return Grant.objects.get(identity__external_id=self.user.arn, service=service)

    def campaign(self):
        """A running campaign about what the agent may do, answered by its owner."""
        actor = Person(self.steward)
        campaign = campaign_create(
            new=NewCampaign(
                name="What the agent may do",
                fallback_reviewer=UserFactory(steward=True),
                run_by=self.steward,
                deadline_on=timezone.localdate() + timedelta(days=14),
                scope=Scope(agents=(self.agent.pk,)),
            ),
            actor=actor,
        )
        campaign_stage(campaign_id=campaign.pk, actor=actor)
        campaign_launch(campaign_id=campaign.pk, actor=actor)
        return Campaign.objects.get(pk=campaign.pk)

    def answer(self, campaign, service, chosen):
        item = ReviewItem.objects.get(campaign=campaign, grant=self.grant(service))
        draft_save(item_id=item.pk, chosen=chosen, version=0, actor=Person(item.reviewer))
        [answer] = items_submit(campaign_id=campaign.pk, actor=Person(item.reviewer))
        assert answer.counts, answer.why

    def end(self, campaign):
        campaign_decide(
            campaign_id=campaign.pk, actor=Person(self.steward), early_reason="All have answered."
        )


@pytest.fixture
def reviewed(ministack, monkeypatch, steward):
    company = Company(ministack, monkeypatch)
    user = ministack.user(allow(LIST, ROLES))
    iam = ministack.client("iam")
    text = policy(allow(MAKE, DROP))
    arn = iam.create_policy(PolicyName=f"of-{user.name}", PolicyDocument=text)["Policy"]["Arn"]
    iam.attach_user_policy(UserName=user.name, PolicyArn=arn)
    agent = AgentFactory(active=True)
    reviewed = Reviewed(company, steward, agent, user, arn)
    reviewed.read()
    BindingFactory(agent=agent, identity=Identity.objects.get(external_id=user.arn))
    return reviewed


def watch_is_over():
    past = timezone.now() - timedelta(seconds=1)
    Order.objects.update(watch_until=past, wake_at=past)
    tasks.run_awake_orders()


def states():
    return set(Order.objects.values_list("state", flat=True))


def state_of(campaign):
    campaigns_follow_orders(actor=WORKER)
    campaign.refresh_from_db()
    return campaign.state


NARROWED = Chosen(Outcome.NARROW, target={"actions": [MAKE]}, reason=WHY)


def test_a_review_narrows_one_grant_and_revokes_another_and_closes(reviewed):
    campaign = reviewed.campaign()
    reviewed.answer(campaign, "s3", NARROWED)
    reviewed.answer(campaign, "iam", Chosen(Outcome.REVOKE, reason=WHY))
    assert reviewed.may(LIST)
    assert reviewed.may(MAKE)
    assert reviewed.may(DROP)

    reviewed.end(campaign)

    assert states() == {OrderState.EXECUTED}
    assert reviewed.may(MAKE)
    assert not reviewed.may(DROP)
    assert not reviewed.may(LIST)
    reviewed.read()
    assert states() == {OrderState.EXECUTED}
    assert {reviewed.grant("iam").state, reviewed.grant("s3").state} == {"active"}
    assert state_of(campaign) == CampaignState.REMEDIATING

    watch_is_over()

    assert states() == {OrderState.VERIFIED}
    assert not reviewed.may(DROP)
    assert not reviewed.may(LIST)
    listed = reviewed.iam.list_policy_versions(PolicyArn=reviewed.arn)["Versions"]
    assert {one["VersionId"]: one["IsDefaultVersion"] for one in listed} == {
        "v1": False,
        "v2": True,
    }
    assert reviewed.iam.list_user_policies(UserName=reviewed.user.name)["PolicyNames"] == []
    assert reviewed.grant("iam").state == "revoked"

    reviewed.read()
    assert state_of(campaign) == CampaignState.VERIFYING
    campaign_close(campaign_id=campaign.pk, actor=Person(reviewed.steward))

    campaign.refresh_from_db()
    assert campaign.state == CampaignState.CLOSED
    assert campaign.reconciliation["dispositions"] == {"narrowed": 1, "revoked": 1}
    assert campaign.reconciliation["at_close"] == {"changed": 1, "gone": 1}
    narrowed = reviewed.grant("s3")
    assert (narrowed.state, narrowed.gone_at) == ("active", None)
    assert [one.actions for one in narrowed.statements.all()] == [[MAKE]]


def test_what_a_review_narrowed_is_put_back_as_it_was_kept(reviewed):
    """An inline policy: MiniStack cannot put a version of a managed one in force again."""
    campaign = reviewed.campaign()
    narrowed = Chosen(Outcome.NARROW, target={"actions": [ROLES]}, reason=WHY)
    reviewed.answer(campaign, "iam", narrowed)
    reviewed.answer(campaign, "s3", keeping())
    reviewed.end(campaign)
    watch_is_over()
    assert states() == {OrderState.VERIFIED}
    assert reviewed.may(ROLES)
    assert not reviewed.may(LIST)

    orders.order_undo(
        order_id=Order.objects.get().pk, reason="It does.", actor=Person(reviewed.steward)
    )

    tasks.run_awake_orders()
    assert states() == {OrderState.ROLLED_BACK}
    assert reviewed.may(LIST)
    reviewed.read()
    [statement] = reviewed.grant("iam").statements.all()
    assert statement.actions == [ROLES, LIST]


def test_a_policy_that_others_use_stays_and_the_deny_is_what_verifies_it(reviewed):
    other = reviewed.company.server.user()
    reviewed.iam.attach_user_policy(UserName=other.name, PolicyArn=reviewed.arn)
    campaign = reviewed.campaign()
    reviewed.answer(campaign, "s3", NARROWED)
    reviewed.answer(campaign, "iam", keeping())
    reviewed.end(campaign)

    watch_is_over()

    order = Order.objects.get()
    assert (order.state, order.trouble) == (OrderState.VERIFIED, "")
    assert "The deny" in order.verified_how
    assert reviewed.may(MAKE)
    assert not reviewed.may(DROP)
    assert state_of(campaign) == CampaignState.VERIFYING
    version = reviewed.iam.get_policy(PolicyArn=reviewed.arn)["Policy"]["DefaultVersionId"]
    assert version == "v1"


def test_access_whose_time_is_up_goes_by_the_same_way(reviewed):
    grant = reviewed.grant("iam")
    Grant.objects.filter(pk=grant.pk).update(expires_at=timezone.now())

    tasks.order_expired_grants()

    assert not reviewed.may(LIST)
    assert reviewed.grant("iam").state == "active"
    watch_is_over()
    assert states() == {OrderState.VERIFIED}
    assert reviewed.grant("iam").state == "expired"
    assert reviewed.iam.list_user_policies(UserName=reviewed.user.name)["PolicyNames"] == []
    assert reviewed.may(MAKE)


def test_what_a_review_revoked_comes_back_as_access_anew_once_undone(reviewed):
    campaign = reviewed.campaign()
    reviewed.answer(campaign, "iam", Chosen(Outcome.REVOKE, reason=WHY))
    reviewed.answer(campaign, "s3", keeping())
    reviewed.end(campaign)
    watch_is_over()
    reviewed.read()
    ended = reviewed.grant("iam")
    assert (ended.state, ended.gone_at is None) == ("revoked", False)

    orders.order_undo(
        order_id=Order.objects.get().pk, reason="It does.", actor=Person(reviewed.steward)
    )
    tasks.run_awake_orders()
    reviewed.read()

    assert states() == {OrderState.ROLLED_BACK}
    assert reviewed.may(LIST)
    there = Grant.objects.present().get(identity=ended.identity, service="iam")
    assert (there.state, there == ended) == ("active", False)
