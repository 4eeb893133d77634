"""What the bench shows of the measured use of what it asks about."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.activity.models import GrantUse, Invocation
from apps.activity.services.measuring import use_measure
from apps.core.actors import Person
from apps.reviews.selectors.bench import bench_of
from apps.reviews.selectors.recommendations import Facts, recommend
from tests.activity.use import granted, logged, used
from tests.factories.grants import GrantStatementFactory
from tests.factories.inventory import AgentFactory, BindingFactory
from tests.factories.reviews import CampaignFactory, ReviewItemFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def item(reviewer):
    item = ReviewItemFactory(reviewer=reviewer)
    GrantStatementFactory(grant=item.grant, actions=["customers:Update"])
    return item


def page_of(client, item):
    url = reverse("reviews:bench_agent", args=[item.campaign_id, item.agent_id])
    return " ".join(client.get(url).content.decode().split())


def test_calls_last_use_and_coverage_stand_beside_the_item(as_reviewer, item):
    logged(item.grant.system)
    used(item.grant.identity, "customers:Update", 12, ago=9, proven=12)
    used(item.grant.identity, "customers:Update", 1, ago=2, proven=1)
    use_measure()

    page = page_of(as_reviewer, item)

    assert "Used 13 times in 13 weeks, last" in page
    assert "The log is complete over the 90 days; 100 % of these calls trace to a run." in page
    assert "Calls a week, oldest first: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 1" in page


def test_never_used_is_said_where_the_log_is_complete(as_reviewer, item):
    logged(item.grant.system)

    assert "Not used in 90 days." in page_of(as_reviewer, item)


def test_where_the_log_begins_too_late_it_is_not_known_and_not_never(as_reviewer, item):
    logged(item.grant.system, days=20)

    page = page_of(as_reviewer, item)

    assert "Not known." in page
    assert "The log is complete only from" in page
    assert "Not used" not in page


def test_without_a_log_it_says_that_none_is_connected(as_reviewer, item):
    assert "not known: no log of the system is connected" in page_of(as_reviewer, item)


def test_what_another_grant_also_covers_is_said(as_reviewer, item, reviewer):
    BindingFactory(agent=AgentFactory(owner=reviewer), identity=item.grant.identity)
    other = granted(item.grant.identity, "customers:*")
    used(item.grant.identity, "customers:Update", 3)
    use_measure()

    page = page_of(as_reviewer, item)

    assert (
        f"Removing it breaks nothing seen:</b> all of it is also covered by {other.label}" in page
    )


def test_up_to_three_runs_that_used_it_are_linked_where_the_reader_may_open_them(
    as_reviewer, item, reviewer
):
    now = timezone.now()
    mine = AgentFactory(owner=reviewer)
    for number in range(5):
        run = Invocation.objects.create(
            log_id=1,
            trace_id=f"{number:032x}",
            agent_id=None if number == 4 else mine.pk,
            name=f"run {number}",
            started_at=now,
            ended_at=now,
            first_recorded=now,
            last_recorded=now,
        )
        GrantUse.objects.create(
            grant_id=item.grant.pk,
            day=now.date() - timedelta(days=9 - number),
            calls=1,
            sole=1,
            last_at=now,
            sample_id=run.pk,
        )

    page = page_of(as_reviewer, item)

    shown = [number for number in range(5) if f"run {number}" in page]
    assert shown == [2, 3, 4]
    linked = [one for one in Invocation.objects.all() if one.get_absolute_url() in page]
    assert {one.name for one in linked} == {"run 2", "run 3"}


def test_the_bench_asks_as_much_for_one_measured_item_as_for_ten(reviewer):
    campaign, agent = CampaignFactory(running=True), AgentFactory(active=True)

    def queries(count):
        for _ in range(count):
            one = ReviewItemFactory(campaign=campaign, agent=agent, reviewer=reviewer)
            GrantStatementFactory(grant=one.grant, actions=["customers:Update"])
            granted(one.grant.identity, "customers:*")
            used(one.grant.identity, "customers:Update")
            logged(one.grant.system)
        use_measure()
        with CaptureQueriesContext(
            connection,
        ) as seen:
            bench_of(Person(reviewer), campaign, agent.pk)
        return len(seen)

    assert queries(1) == queries(9)


GOOD = {"kind": "grant", "level": "write", "age": timedelta(days=200), "tasks": ("Answer",)}


@pytest.mark.parametrize(
    ("changes", "verb", "because"),
    [
        (
            {"use_is_known": True, "is_logged": True},
            "Revoke",
            "not used in 90 days, and the log of its system is complete",
        ),
        (
            {"coverage": "no log of the system is connected"},
            "Look closer",
            "its use is not known: no log of the system is connected",
        ),
        (
            {
                "use_is_known": True,
                "is_logged": True,
                "used_ago": timedelta(days=1),
                "calls": 9,
                "used_names": ("s3:PutObject",),
                "action_count": 40,
            },
            "Narrow",
            "of 40 actions only s3:PutObject was used",
        ),
        (
            {
                "use_is_known": True,
                "used_ago": timedelta(days=1),
                "calls": 9,
                "traced": 40,
                "is_justified": True,
            },
            "Look closer",
            "only 40 % of its calls trace to a run",
        ),
        (
            {
                "use_is_known": True,
                "used_ago": timedelta(days=1),
                "calls": 1200,
                "is_justified": True,
            },
            "Keep",
            "used 1 days ago, 1,200 calls in 13 weeks",
        ),
    ],
)
def test_a_recommendation_says_how_its_use_was_measured(changes, verb, because):
    recommended = recommend(Facts(**(GOOD | changes)))

    assert recommended.verb == verb
    assert because in recommended.in_words
