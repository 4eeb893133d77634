"""Measured use in a browser: on the bench, beside a grant, and in the check of an agent."""

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from apps.activity.services.drifting import drift_measure
from apps.activity.services.measuring import use_measure
from apps.inventory.models import TaskNeed
from tests.activity.use import granted, logged, used
from tests.factories.accounts import TeamFactory, UserFactory
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import AgentFactory, TaskFactory
from tests.factories.reviews import CampaignFactory, ReviewItemFactory

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def manager():
    return UserFactory(display_name="Head of support")


@pytest.fixture
def items(manager):
    """One item that was used for weeks, and one of which another grant covers all."""
    campaign = CampaignFactory(running=True)
    agent = AgentFactory(active=True, team=TeamFactory(manager=manager))
    made = []
    for number in range(2):
        grant = GrantFactory(label=f"tickets:update-{number}")
        GrantStatementFactory(grant=grant)
        made.append(
            ReviewItemFactory(campaign=campaign, agent=agent, reviewer=manager, grant=grant)
        )
    busy, covered = (item.grant for item in made)
    logged(busy.system)
    for ago in range(0, 80, 6):
        used(busy.identity, "customers:Update", 3 + ago % 17, ago, agent_id=agent.pk, proven=3)
    logged(covered.system, days=30)
    granted(covered.identity, "customers:*")
    used(covered.identity, "customers:Update", 7, 12, agent_id=agent.pk)
    task = TaskFactory(agent=agent)
    TaskNeed.objects.create(task=task, system=busy.system, service="mail", level="read")
    use_measure()
    drift_measure(moment=timezone.now())
    return made


@pytest.mark.parametrize("width", [1280, 390])
def test_use_reads_well_wherever_it_is_shown(  # noqa: PLR0917
    manager, items, width, signed_in, live_server, silent_console, assert_accessible
):
    item = items[0]
    pages = {
        "Used 146 times in 13 weeks": reverse(
            "reviews:bench_agent", args=[item.campaign_id, item.agent_id]
        ),
        "What would break:": reverse("activity:grant_use", args=[item.grant_id]),
        "How the verdict is computed": reverse(
            "activity:reconstruction_detail", args=[item.agent_id]
        ),
        "never checked": reverse("activity:reconstruction_list"),
        "no task needs customers there": reverse("activity:agent_standing", args=[item.agent_id]),
    }
    page = signed_in(manager)
    page.set_viewport_size({"width": width, "height": 1000})

    for said, path in pages.items():
        page.goto(live_server.url + path)

        expect(page.locator("main")).to_contain_text(said)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert_accessible(page)


def test_what_would_break_opens_beside_the_item(manager, items, signed_in, live_server):
    item = items[0]
    page = signed_in(manager)
    page.goto(
        live_server.url + reverse("reviews:bench_agent", args=[item.campaign_id, item.agent_id])
    )

    page.locator(f"#item-{item.pk}").get_by_role("link", name="What would break").click()

    expect(page.locator("#dialog")).to_contain_text("What would break:")
