from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.core.actors import Person
from apps.grants.states import Tag
from apps.reviews.models import Decision, Draft
from apps.reviews.selectors.bench import bench_of
from apps.reviews.selectors.recommendations import Facts, recommend
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import AgentFactory, BindingFactory, IdentityFactory
from tests.factories.reviews import CampaignFactory, DraftFactory, ReviewItemFactory

DAY = timedelta(days=1)
WHY = "It sets the priority of tickets."
GOOD = Facts(
    kind="grant",
    level="write",
    use_is_known=True,
    used_ago=2 * DAY,
    age=200 * DAY,
    is_justified=True,
    tasks=("Answer tickets",),
)


def facts(**changes):
    return Facts(**{**{name: getattr(GOOD, name) for name in Facts.__slots__}, **changes})


@pytest.mark.parametrize(
    ("changes", "verb", "because"),
    [
        ({}, "Keep", "used 2 days ago; serves “Answer tickets”; justified; no high finding"),
        ({"is_gone": True}, "Revoke", "its source no longer shows it"),
        ({"has_active_agent": False}, "Revoke", "no active agent acts as its identity"),
        ({"used_ago": None}, "Revoke", "not used in 90 days, says its source"),
        ({"justification_passed": True}, "Revoke", "the date of its justification has passed"),
        ({"used_ago": None, "level": "read"}, "Look closer", "not used lately"),
        ({"breaks": "self-elevation"}, "Narrow", "removing it breaks “self-elevation”"),
        ({"tasks": ()}, "Look closer", "it serves no task of the purpose"),
        ({"use_is_known": False, "used_ago": None}, "Look closer", "its use is not known"),
        ({"drifted": ("model",)}, "Look closer", "changed since the last review: model"),
        ({"shared_by": 3}, "Look closer", "3 agents share its identity"),
        ({"copies": 6}, "Look closer", "its justification stands on 6 grants"),
        ({"high_findings": ("Admin over everything",)}, "Look closer", "open finding: Admin"),
        (
            {"kind": "credential", "long_lived": "402 days old, never rotated"},
            "Rotate",
            "402 days old, never rotated",
        ),
    ],
)
def test_the_first_rule_that_fits_recommends_with_its_facts(changes, verb, because):
    recommended = recommend(facts(**changes))

    assert recommended.verb == verb
    assert because in recommended.in_words


def test_never_used_is_not_said_while_use_is_not_known():
    recommended = recommend(facts(use_is_known=False, used_ago=None))

    assert recommended.verb == "Look closer"


@pytest.fixture
def item(reviewer):
    item = ReviewItemFactory(reviewer=reviewer)
    GrantStatementFactory(grant=item.grant, policy="support-tools")
    return item


def agent_url(item):
    return reverse("reviews:bench_agent", args=[item.campaign_id, item.agent_id])


def test_the_bench_opens_at_the_first_agent_with_undecided_work(as_reviewer, item):
    done = ReviewItemFactory(
        campaign=item.campaign, reviewer=item.reviewer, agent=AgentFactory(active=True, name="aaa")
    )
    DraftFactory(item=done)

    answer = as_reviewer.get(reverse("reviews:bench", args=[item.campaign_id]))

    assert answer.url == agent_url(item)


def test_the_bench_shows_an_agent_as_a_unit_with_nothing_chosen(as_reviewer, item):
    page = as_reviewer.get(agent_url(item)).content.decode()

    assert item.label in page
    assert "support-tools" in page
    assert "Agent 1 of 1" in page
    assert "0 of 1 decided" in page
    assert 'name="outcome"' in page
    assert "checked" not in page


def test_instructions_are_shown_as_their_author_meant_them(as_reviewer, item):
    item.campaign.instructions = "**Narrow** what is needed in part. <script>alert(1)</script>"
    item.campaign.save()

    page = as_reviewer.get(agent_url(item)).content.decode()

    assert "<strong>Narrow</strong> what is needed" in page
    assert "<script>alert" not in page


def test_what_got_no_answer_last_time_says_that_it_is_asked_again(as_reviewer, item):
    before = as_reviewer.get(agent_url(item)).content.decode()
    item.frozen = {"asked_again": True}
    item.save()

    after = as_reviewer.get(agent_url(item)).content.decode()

    assert "asked again" not in before
    assert "asked again: no answer last time" in after


def test_a_bench_of_somebody_else_is_not_found(as_reviewer, item):
    foreign = ReviewItemFactory()

    assert as_reviewer.get(agent_url(foreign)).status_code == 404


def test_an_auditor_has_no_bench(as_auditor, item):
    answer = as_auditor.get(agent_url(item))

    assert answer.status_code == 403


def test_a_draft_answers_with_an_event_and_a_page_without_javascript_with_a_redirect(
    as_reviewer, item, htmx
):
    url = reverse("reviews:item_draft", args=[item.pk])
    typed = {"outcome": "keep", "days": "30", "reason": WHY, "version": "0"}

    answer = as_reviewer.post(url, typed, headers=htmx(f"item-{item.pk}"))
    plain = as_reviewer.post(url, {**typed, "version": "1", "days": "90"})

    assert answer.status_code == 204
    assert "draft:saved" in answer.headers["HX-Trigger"]
    assert plain.url == f"{agent_url(item)}#item-{item.pk}"
    draft = Draft.objects.get()
    assert (draft.outcome, draft.until, draft.version) == (
        "keep",
        timezone.localdate() + 90 * DAY,
        2,
    )


def test_ticking_an_action_is_enough_to_narrow_to_it(as_reviewer, item):
    item.frozen = {"statements": [{"effect": "allow", "actions": ["s3:Delete*", "s3:PutObject"]}]}
    item.save(update_fields=["frozen"])
    url = reverse("reviews:item_draft", args=[item.pk])

    as_reviewer.post(url, {"outcome": "narrow", "actions": ["s3:PutObject"], "version": "0"})

    assert Draft.objects.get().target == {"actions": ["s3:PutObject"]}


def test_a_stale_tab_gets_the_kept_value_and_its_own_words_back(as_reviewer, item, htmx):
    DraftFactory(item=item, version=4, reason="Nothing has used it.")
    url = reverse("reviews:item_draft", args=[item.pk])

    answer = as_reviewer.post(
        url,
        {"outcome": "keep", "reason": "Typed in the other tab", "version": "3"},
        headers=htmx(f"item-{item.pk}"),
    )

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "This was changed in another tab." in page
    assert "Nothing has used it." in page
    assert "Typed in the other tab" in page
    assert Draft.objects.get().outcome == "revoke"


def test_undo_takes_the_draft_away(as_reviewer, item, htmx):
    DraftFactory(item=item)

    answer = as_reviewer.post(
        reverse("reviews:item_undo", args=[item.pk]),
        {"version": "1"},
        headers=htmx(f"item-{item.pk}"),
    )

    assert answer.status_code == 204
    assert not Draft.objects.exists()


def test_submitting_answers_item_by_item_and_twice_the_same(as_reviewer, item):
    DraftFactory(item=item)
    url = reverse("reviews:bench_submit", args=[item.campaign_id])

    asked = as_reviewer.get(url).content.decode()
    first = as_reviewer.post(url, {"items": [item.pk]}).content.decode()
    second = as_reviewer.post(url, {"items": [item.pk]}).content.decode()

    assert "Submit 1 draft of" in asked
    assert "1 of 1 decided" in first
    assert "You decided this before." in second
    assert Decision.objects.count() == 1


def test_what_a_draft_lacks_is_said_before_submitting(as_reviewer, item):
    DraftFactory(item=item, outcome="keep", reason="")

    page = as_reviewer.get(reverse("reviews:bench_submit", args=[item.campaign_id]))

    assert "it still needs a reason of at least 10 characters" in page.content.decode()


def test_several_are_revoked_in_a_dialog_with_one_reason(as_reviewer, item):
    url = reverse("reviews:bench_revoke", args=[item.campaign_id, item.agent_id])

    refused = as_reviewer.post(url, {"items": [item.pk], "reason": "short"})
    done = as_reviewer.post(url, {"items": [item.pk], "reason": "Nothing has used it."})

    assert refused.status_code == 422
    assert done.url == agent_url(item)
    assert Draft.objects.get().outcome == "revoke"


def test_ones_own_item_says_why_and_can_be_passed_on(as_reviewer, item):
    item.grant.granted_by = item.reviewer
    item.grant.save()

    page = as_reviewer.get(agent_url(item)).content.decode()
    as_reviewer.post(reverse("reviews:item_reroute", args=[item.pk]))

    item.refresh_from_db()
    assert "You granted this access, so someone else must review it." in page
    assert item.reviewer == item.campaign.fallback_reviewer


def test_a_combination_names_the_fewest_removals_across_identities(as_reviewer, item):
    for tag in (Tag.READS_PRIVATE, Tag.TAKES_UNTRUSTED, Tag.SENDS_OUT):
        identity = IdentityFactory()
        BindingFactory(agent=item.agent, identity=identity)
        GrantFactory(identity=identity, tags=[tag], read=True, label=f"grant {tag}")

    page = as_reviewer.get(agent_url(item)).content.decode()

    assert "Together: way out for private data" in page
    assert "No smaller set does." in page


def test_the_story_of_an_item_is_shown_to_its_owner_and_to_no_stranger(client, item):
    url = reverse("reviews:item_detail", args=[item.pk])

    client.force_login(item.agent.owner)
    own = client.get(url)
    client.force_login(UserFactory())
    strange = client.get(url)

    assert own.status_code == 200
    assert "Attest the need" in own.content.decode()
    assert strange.status_code == 404


def test_an_owner_attests_and_answers_on_pages_of_their_own(client, item):
    client.force_login(item.agent.owner)
    asked = client.get(reverse("reviews:bench_owner", args=[item.campaign_id])).content.decode()

    client.post(reverse("reviews:item_note", args=[item.pk, "attestation"]), {"text": WHY})

    after = client.get(reverse("reviews:bench_owner", args=[item.campaign_id])).content.decode()
    assert item.label in asked
    assert item.label not in after
    assert WHY in client.get(item.get_absolute_url()).content.decode()


def test_identities_with_no_accountable_agent_have_a_bench_of_their_own(as_reviewer, reviewer):
    item = ReviewItemFactory(agent=None, reviewer=reviewer, attester=None, found_by="no_agent")

    page = as_reviewer.get(reverse("reviews:bench_agent", args=[item.campaign_id, 0]))

    assert "Identities with no accountable agent" in page.content.decode()


def test_a_credential_is_kept_rotated_revoked_or_abstained_on(as_reviewer, reviewer):
    item = ReviewItemFactory(of_credential=True, reviewer=reviewer)

    page = as_reviewer.get(agent_url(item)).content.decode()

    assert 'value="rotate"' in page
    assert 'value="narrow"' not in page


def test_the_bench_asks_as_much_for_one_item_as_for_ten(reviewer, django_assert_max_num_queries):
    campaign, agent = CampaignFactory(running=True), AgentFactory(active=True)
    for _ in range(10):
        ReviewItemFactory(campaign=campaign, agent=agent, reviewer=reviewer)

    with django_assert_max_num_queries(16):
        bench = bench_of(Person(reviewer), campaign, agent.pk)

    assert len(bench.rows) == 10
