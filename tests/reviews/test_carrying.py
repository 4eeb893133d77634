from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.core.actors import Person, System
from apps.grants.models import AgentFingerprint
from apps.notices.models import Notice
from apps.reviews.carrying import RULES, Earlier, Frozen, may_carry
from apps.reviews.models import Campaign, ReviewItem, Template
from apps.reviews.services.campaigns import campaign_launch, campaign_stage
from apps.reviews.services.reconciling import campaign_reconcile
from apps.reviews.states import CampaignState, Disposition, ItemState, Outcome
from tests.factories.grants import GrantFactory
from tests.factories.inventory import CredentialFactory
from tests.factories.reviews import CampaignFactory, DecisionFactory, ReviewItemFactory

DAY = timedelta(days=1)
NOW = timezone.now()
TODAY = timezone.localdate()
RULE = RULES["kept-read-unchanged"]
CONTENT, DESIGN = "c" * 64, "d" * 64
WORDS = "Read access kept in the last 180 days, with the same content and the same design"

FROZEN = {
    "level": "read",
    "agent_id": 1,
    "content_sha256": CONTENT,
    "design_digest": DESIGN,
    "deadline_on": TODAY + 14 * DAY,
}
EARLIER = {
    "disposition": Disposition.KEPT,
    "agent_id": 1,
    "content_sha256": CONTENT,
    "design_digest": DESIGN,
    "decision_id": 7,
    "decided_at": NOW - 30 * DAY,
    "until": None,
    "running": 0,
}


@pytest.mark.parametrize(
    ("frozen", "earlier", "holds"),
    [
        ({}, {}, True),
        ({}, {"disposition": Disposition.CARRIED, "running": 1}, True),
        ({}, {"until": TODAY + 14 * DAY}, True),
        ({"level": "write"}, {}, False),
        ({"level": "admin"}, {}, False),
        ({}, {"disposition": Disposition.CARRIED, "running": 2}, False),
        ({}, {"disposition": Disposition.UNCERTIFIED}, False),
        ({}, {"disposition": Disposition.UNDECIDED}, False),
        ({}, {"disposition": Disposition.EXCLUDED}, False),
        ({}, {"decided_at": NOW - 181 * DAY}, False),
        ({}, {"decided_at": None}, False),
        ({}, {"until": TODAY + 13 * DAY}, False),
        ({"content_sha256": "e" * 64}, {}, False),
        ({"design_digest": "e" * 64}, {}, False),
        ({"agent_id": 2}, {}, False),
        ({"content_sha256": ""}, {"content_sha256": ""}, False),
        ({"design_digest": ""}, {"design_digest": ""}, False),
        ({"agent_id": None}, {"agent_id": None}, False),
    ],
)
def test_only_unchanged_read_access_kept_lately_is_carried_and_at_most_twice_running(
    frozen, earlier, holds
):
    asked, before = Frozen(**{**FROZEN, **frozen}), Earlier(**{**EARLIER, **earlier})

    assert may_carry(RULE, 180, asked, before, NOW) is holds


def kept_before(company, level="read", campaign=None, **values):
    """A grant that was kept in a review before this one, and has not changed since."""
    agent, identity = company
    grant = GrantFactory(identity=identity, level=level, content_sha256=CONTENT)
    if not agent.fingerprints.exists():
        AgentFingerprint.objects.create(agent=agent, kind="design", digest=DESIGN, parts={})
    item = ReviewItemFactory(
        campaign=campaign or CampaignFactory(closed=True),
        grant=grant,
        agent=agent,
        bound=False,
        state=ItemState.FINAL,
        disposition=Disposition.KEPT,
        design_digest=DESIGN,
        frozen={"content_sha256": CONTENT},
    )
    return DecisionFactory(item=item, outcome=Outcome.KEEP, **values)


@pytest.fixture
def stage(draft, steward, django_capture_on_commit_callbacks):
    def run(*, rule="kept-read-unchanged", **scope):
        campaign = draft(**scope)
        Campaign.objects.filter(pk=campaign.pk).update(carry_forward=rule)
        with django_capture_on_commit_callbacks(execute=True):
            campaign_stage(campaign_id=campaign.pk, actor=Person(steward))
        campaign.refresh_from_db()
        return campaign

    return run


def test_nothing_is_carried_forward_unless_a_rule_is_named(company, stage):
    kept_before(company)

    campaign = stage(rule="")

    assert not campaign.items.filter(state=ItemState.CARRIED).exists()


# Two parts, of which the second is read over a connection of its own: it sees what is committed.
@pytest.mark.django_db(transaction=True)
def test_staging_carries_read_access_forward_and_cites_rule_and_decision(company, stage, steward):
    decision = kept_before(company)
    write, admin = (kept_before(company, level).item.grant for level in ("write", "admin"))
    _, identity = company
    CredentialFactory(identity=identity)

    campaign = stage(subjects=("grant", "credential"))

    carried = campaign.items.get(state=ItemState.CARRIED)
    assert (carried.grant, carried.carries) == (decision.item.grant, decision)
    assert (carried.disposition, carried.state_reason) == (Disposition.CARRIED, f"{WORDS}.")
    assert AuditEntry.objects.about(carried, Person(steward)).get().reason == f"{WORDS}."
    asked = campaign.items.filter(state=ItemState.OPEN)
    assert {item.grant for item in asked} == {write, admin, None}
    assert campaign.population_count == 4


def test_nobody_is_asked_about_what_was_carried_forward(company, stage, steward, client):
    kept_before(company)
    write = GrantFactory(identity=company[1], level="write")
    campaign = stage()

    campaign_launch(campaign_id=campaign.pk, actor=Person(steward))

    carried = campaign.items.get(state=ItemState.CARRIED)
    assert not carried.assignments.exists()
    assert set(Notice.objects.about(campaign).values_list("kind", flat=True)) == {
        "review-launched",
        "review-attest",
    }
    manager = campaign.items.get(grant=write).reviewer
    client.force_login(manager)
    bench = client.get(reverse("reviews:bench_agent", args=[campaign.pk, company[0].pk])).text
    assert "0 of 1 decided" in bench
    assert "1 carried forward" in bench
    assert WORDS in bench


def test_the_staging_preview_and_the_item_say_what_was_carried_and_why(as_steward, company, stage):
    decision = kept_before(company, reason="The report needs it.")
    campaign = stage()

    page = as_steward.get(campaign.get_absolute_url()).text
    carried = campaign.items.get()
    story = as_steward.get(carried.get_absolute_url()).text

    assert f'?disposition=carried">1</a> of 1, by the rule: {WORDS}' in page
    assert decision.item.get_absolute_url() in story
    assert "The report needs it." in story


def test_the_second_time_running_is_the_last(company, stage):
    kept_before(company)
    states = []

    for _ in range(3):
        campaign = stage()
        item = campaign.items.get()
        states.append(item.state)
        Campaign.objects.filter(pk=campaign.pk).update(name=f"Run {campaign.pk}")

    assert states == [ItemState.CARRIED, ItemState.CARRIED, ItemState.OPEN]


def test_a_cancelled_campaign_neither_carries_nor_counts(company, stage):
    kept_before(company, campaign=CampaignFactory(state=CampaignState.CANCELLED))

    campaign = stage()

    assert campaign.items.get().state == ItemState.OPEN


@pytest.mark.django_db(transaction=True)
def test_what_was_carried_is_asked_about_once_the_design_drifts(company, stage, steward):
    kept_before(company)
    campaign = stage()
    campaign_launch(campaign_id=campaign.pk, actor=Person(steward))
    agent, _ = company
    AgentFingerprint.objects.create(agent=agent, kind="design", digest="f" * 64, parts={})

    campaign_reconcile(campaign_id=campaign.pk, actor=System("test"))

    new = ReviewItem.objects.get(campaign=campaign, supersedes__isnull=False)
    assert new.supersedes.state == ItemState.SUPERSEDED
    assert (new.state, new.reviewer, new.carries) == (ItemState.OPEN, agent.owner, None)
    assert Notice.objects.about(campaign).get(kind="review-launched").recipient == agent.owner
    assert AuditEntry.objects.filter(verb=Verb.CAMPAIGN_ITEMS_CREATED).count() == 2


def test_a_template_hands_its_rule_to_its_campaigns_and_says_it(as_steward, steward):
    url = reverse("reviews:template_new")
    as_steward.post(
        url,
        {
            "name": "All access in scope",
            "subjects": ["grant"],
            "fallback_reviewer": steward.pk,
            "run_by": steward.pk,
            "days_to_decide": 5,
            "time_zone": "UTC",
            "no_answer": "standard",
            "carry_forward": RULE.key,
            "carry_days": 90,
        },
    )
    template = Template.objects.get()

    as_steward.post(reverse("reviews:template_start", args=[template.pk]), {"name": ""})

    campaign = Campaign.objects.get()
    assert (campaign.carry_forward, campaign.carry_days) == (RULE.key, 90)
    assert (
        "Read access kept in the last 90 days" in as_steward.get(template.get_absolute_url()).text
    )
