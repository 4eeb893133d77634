from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.grants.models import Grant
from apps.inventory.models import Source
from apps.notices.models import Notice
from apps.reviews.models import Assignment, ReviewItem
from apps.reviews.services.campaigns import (
    campaign_cancel,
    campaign_launch,
    campaign_stage,
    items_exclude,
)
from apps.reviews.services.staging import population_sha256
from apps.reviews.states import CampaignState, Disposition, FoundBy, ItemState
from tests.factories.findings import FindingFactory
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import (
    BindingFactory,
    CredentialFactory,
    IdentityFactory,
    SourceFactory,
)


@pytest.fixture
def stage(steward, django_capture_on_commit_callbacks):
    def run(campaign, **kwargs):
        with django_capture_on_commit_callbacks(execute=True):
            campaign_stage(campaign_id=campaign.pk, actor=Person(steward), **kwargs)
        campaign.refresh_from_db()
        return campaign

    return run


def test_staging_freezes_who_decides_what(company, grants, draft, stage):
    agent, _ = company
    GrantStatementFactory(grant=grants[1], actions=["tickets:Update"], resources=["queue/1"])

    campaign = stage(draft())

    assert campaign.state == CampaignState.STAGED
    assert campaign.population_count == 3
    assert campaign.fallback_count == 0
    by_level = {item.level: item for item in ReviewItem.objects.all()}
    assert by_level["read"].reviewer == agent.owner
    assert by_level["write"].reviewer == agent.team.manager
    assert by_level["write"].attester == agent.owner
    assert by_level["write"].found_by == FoundBy.MANAGER
    assert by_level["write"].frozen["statements"][0]["actions"] == ["tickets:Update"]
    assert by_level["write"].frozen["agent"]["owner"] == str(agent.owner)
    assert campaign.population_sha256 == population_sha256(f"grant:{g.pk}" for g in grants)
    assert AuditEntry.objects.filter(verb=Verb.CAMPAIGN_ITEMS_CREATED).count() == 1


def test_nobody_is_asked_before_launch(grants, draft, stage, steward):
    campaign = stage(draft())
    assert not Assignment.objects.exists()

    campaign_launch(campaign_id=campaign.pk, actor=Person(steward))

    assert Assignment.objects.count() == 3


def test_the_scope_limits_and_what_is_left_out_is_counted(company, grants, draft, stage):
    _, identity = company
    CredentialFactory(identity=identity)
    GrantFactory(identity=IdentityFactory(is_service_linked=True), level="write")
    GrantFactory(identity=identity, level="write", gone_at=timezone.now())

    campaign = stage(draft(levels=("write", "admin")))

    assert campaign.population_count == 2
    left_out = {line["what"]: line["count"] for line in campaign.excluded}
    assert left_out == {
        "Grants of service-linked identities": 1,
        "Grants outside the scope": 1,
        "Grants gone from their source": 1,
        "Credentials": 1,
    }


@pytest.fixture
def left_aside(company):
    """Of everything that a scope may leave out, in numbers that differ."""
    _, identity = company
    linked = IdentityFactory(is_service_linked=True)
    GrantFactory.create_batch(2, identity=linked, level="write")
    GrantFactory.create_batch(3, identity=identity, level="write", gone_at=timezone.now())
    GrantFactory.create_batch(4, identity=identity, revoked=True)
    GrantFactory(identity=identity, revoked=True, gone_at=timezone.now())
    GrantFactory(identity=linked, level="read")
    CredentialFactory.create_batch(2, identity=identity)
    CredentialFactory.create_batch(3, identity=identity, gone=True)
    CredentialFactory(identity=linked)


def counted_again(client, campaign):
    """Per line: what staging counted, and what the list behind the number holds."""
    return {
        line["what"]: (
            line["count"],
            line["href"] and client.get(line["href"]).context["listing"].count.value,
        )
        for line in campaign.excluded
    }


def test_each_count_of_what_is_left_out_opens_exactly_what_it_counts(
    grants, left_aside, draft, stage, as_steward
):
    campaign = stage(draft(levels=("write", "admin")))

    assert counted_again(as_steward, campaign) == {
        "Grants of service-linked identities": (3, 3),
        "Grants outside the scope": (1, 1),
        "Grants gone from their source": (3, 3),
        "Grants that ended": (5, 5),
        "Credentials": (3, 3),
    }
    lines = sum(line["count"] for line in campaign.excluded if line["what"] != "Credentials")
    assert campaign.population_count + lines == Grant.objects.count()


def test_what_is_left_out_of_a_review_of_credentials_opens_what_it_counts(
    grants, left_aside, draft, stage, as_steward
):
    campaign = stage(draft(subjects=("credential",), levels=("write",)))

    assert counted_again(as_steward, campaign) == {
        "Grants": (6, 6),
        "Credentials of service-linked identities": (1, 1),
        "Credentials that ended or are gone": (3, 3),
    }


def test_what_no_filter_can_say_is_a_number_without_a_link(grants, draft, stage, as_steward):
    campaign = stage(draft(systems=(grants[0].system_id,), levels=("admin",)))

    page = as_steward.get(campaign.get_absolute_url()).text

    assert counted_again(as_steward, campaign) == {"Grants outside the scope": (2, "")}
    assert '<td data-label="How many" class="text-md-end num">2</td>' in page


def test_a_scope_of_findings_holds_what_they_are_about_and_what_their_subject_uses(draft, stage):
    found = GrantFactory()
    of_identity = GrantFactory()
    of_agent = GrantFactory()
    agent = BindingFactory(identity=of_agent.identity).agent
    GrantFactory()
    for subject in (found, of_identity.identity, agent):
        FindingFactory(
            rule="grant-unjustified",
            subject_type=subject._meta.label_lower,
            subject_id=subject.pk,
        )

    stage(draft(findings=("grant-unjustified",)))

    frozen = ReviewItem.objects.values_list("grant_id", flat=True)
    assert set(frozen) == {found.pk, of_identity.pk, of_agent.pk}


def test_credentials_are_reviewed_at_the_level_they_open(company, grants, draft, stage):
    agent, identity = company
    CredentialFactory(identity=identity, made_by=agent.team.manager)

    campaign = stage(draft(subjects=("credential",)))

    item = ReviewItem.objects.get(campaign=campaign)
    assert item.level == "admin"
    assert item.found_by == FoundBy.SELF_REVIEW
    assert item.reviewer == campaign.fallback_reviewer
    assert campaign.fallback_count == 1


def test_stale_sources_are_refused_unless_a_reason_is_given(grants, draft, stage, steward):
    source = SourceFactory()
    Source.objects.update(read_at=timezone.now() - timedelta(days=8))
    grants[0].stream = source.stream
    grants[0].save(update_fields=["stream"])
    campaign = draft()

    with pytest.raises(DomainError, match=rf"{source.label} \(192 hours old\)"):
        campaign_stage(campaign_id=campaign.pk, actor=Person(steward))
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.DRAFT

    stage(campaign, stale_reason="The account is frozen this week.")

    assert campaign.state == CampaignState.STAGED
    noted = campaign.campaign_sources.get()
    assert (noted.is_stale, noted.age_hours) == (True, 192)


def test_nothing_in_scope_fails_and_says_so(draft, stage):
    campaign = stage(draft())

    assert campaign.state == CampaignState.STAGING_FAILED
    assert campaign.staging_message.startswith("Nothing is in scope")


def test_an_item_nobody_may_decide_fails_the_staging(draft, stage, steward):
    campaign = draft()
    campaign.fallback_reviewer = steward
    campaign.save(update_fields=["fallback_reviewer"])
    GrantFactory(identity=IdentityFactory(), granted_by=steward, requested_by=None)
    steward.__class__.objects.filter(display_name="The fallback").update(role="reviewer")

    stage(campaign)

    assert campaign.state == CampaignState.STAGING_FAILED
    assert campaign.staging_message.startswith("Nobody may decide")


@pytest.mark.django_db(transaction=True)
def test_staging_again_replaces_what_was_frozen(company, grants, draft, stage):
    campaign = stage(draft())
    _, identity = company
    GrantFactory(identity=identity)

    stage(campaign)

    assert campaign.population_count == 4
    assert ReviewItem.objects.filter(campaign=campaign).count() == 4


def test_a_large_share_at_the_fallback_needs_a_reason(draft, stage, steward):
    GrantFactory()
    campaign = stage(draft())
    assert campaign.fallback_count == 1

    with pytest.raises(DomainError, match="1 of 1 items end at the fallback"):
        campaign_launch(campaign_id=campaign.pk, actor=Person(steward))
    campaign_launch(
        campaign_id=campaign.pk, actor=Person(steward), fallback_reason="Mapping comes next week."
    )

    campaign.refresh_from_db()
    assert campaign.state == CampaignState.RUNNING
    assert campaign.fallback_reason == "Mapping comes next week."


def test_the_fallbacks_share_leads_to_the_items_it_counts(as_steward, draft, stage, grants):
    GrantFactory()
    campaign = stage(draft())
    items = reverse("reviews:campaign_items", args=[campaign.pk])
    query = "found_by=fallback&amp;found_by=no_agent&amp;found_by=self_review"

    page = as_steward.get(campaign.get_absolute_url()).text
    rows = as_steward.get(f"{items}?{query.replace('&amp;', '&')}").context["listing"]

    assert f'<a href="{items}?{query}">1</a> at the fallback' in page
    assert (rows.count.value, campaign.items.count()) == (1, 4)


def test_launch_writes_to_everybody_asked_once(grants, draft, stage, steward):
    campaign = stage(draft(levels=("write", "admin")))

    campaign_launch(campaign_id=campaign.pk, actor=Person(steward))

    notices = {(n.kind, n.recipient) for n in _notices(campaign)}
    item = ReviewItem.objects.filter(campaign=campaign).first()
    assert notices == {("review-launched", item.reviewer), ("review-attest", item.attester)}


@pytest.mark.parametrize(
    ("no_answer", "said"), [("standard", "ordered suspended"), ("revoke", "ordered revoked")]
)
def test_the_mail_leads_to_the_bench_and_says_what_silence_does(
    grants, draft, stage, no_answer, said
):
    campaign = stage(draft(levels=("write", "admin")))
    campaign.no_answer = no_answer
    campaign.save()

    campaign_launch(campaign_id=campaign.pk, actor=Person(campaign.run_by))

    [asked] = [notice for notice in _notices(campaign) if notice.kind == "review-launched"]
    assert said in asked.body
    assert reverse("reviews:bench", args=[campaign.pk]) in asked.body


def test_an_excluded_item_stays_in_the_population(grants, draft, stage, steward):
    campaign = stage(draft())
    item = ReviewItem.objects.filter(campaign=campaign).first()

    items_exclude(item_ids=[item.pk], reason="Reviewed by the bank itself.", actor=Person(steward))

    item.refresh_from_db()
    assert (item.state, item.disposition) == (ItemState.EXCLUDED, Disposition.EXCLUDED)
    assert item.state_reason == "Reviewed by the bank itself."
    assert ReviewItem.objects.counted().filter(campaign=campaign).count() == 3


def test_a_reviewer_may_not_stage(draft, reviewer, grants):
    campaign = draft()

    with pytest.raises(PermissionDenied, match="Only a steward runs reviews"):
        campaign_stage(campaign_id=campaign.pk, actor=Person(reviewer))

    campaign.refresh_from_db()
    assert campaign.state == CampaignState.DRAFT


def test_a_cancelled_campaign_says_why(draft, steward):
    campaign = draft()

    with pytest.raises(DomainError, match="Say why"):
        campaign_cancel(campaign_id=campaign.pk, reason=" ", actor=Person(steward))
    campaign_cancel(campaign_id=campaign.pk, reason="Wrong scope.", actor=Person(steward))

    campaign.refresh_from_db()
    assert (campaign.state, campaign.cancel_reason) == (CampaignState.CANCELLED, "Wrong scope.")


def _notices(campaign):
    return list(Notice.objects.filter(about_type="reviews.campaign", about_id=campaign.pk))


def test_an_item_is_left_out_from_its_page_while_staged(as_steward, grants, draft, stage):
    stage(draft())
    item = ReviewItem.objects.first()

    page = as_steward.get(item.get_absolute_url())
    url = reverse("reviews:item_exclude", args=[item.pk])
    as_steward.post(url, {"reason": "Reviewed by the bank itself."})

    assert "Leave out…" in page.text
    item.refresh_from_db()
    assert item.state == ItemState.EXCLUDED
