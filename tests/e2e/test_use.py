"""Measured use in a browser: on the bench, beside a grant, and in the check of an agent."""

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from apps.activity.services.drifting import drift_measure
from apps.activity.services.measuring import use_measure
from apps.inventory.models import TaskNeed
from tests.activity.test_breaking import called, ran
from tests.activity.use import granted, logged, used
from tests.factories.accounts import TeamFactory, UserFactory
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    CredentialFactory,
    IdentityFactory,
    SystemFactory,
    TaskFactory,
)
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


@pytest.fixture
def held():
    """An agent with a key of its own that is busy, one it shares, and one nobody knows of."""
    agent, other = AgentFactory(active=True, name="refunder"), AgentFactory(name="reporter")
    keys = []
    for name in ("Customer records", "Mail", "Archive of the support department"):
        system = SystemFactory(name=name)
        keys.append(CredentialFactory(identity=IdentityFactory(system=system)))
        BindingFactory(agent=agent, identity=keys[-1].identity)
    BindingFactory(agent=other, identity=keys[1].identity)
    logged(keys[0].identity.system)
    logged(keys[1].identity.system, days=20)
    for number, (who, key) in enumerate([(agent, keys[0]), (other, keys[1]), (agent, keys[1])]):
        ran(who, f"{number + 1:032x}", f"Refund of order {number} for a customer who waited")
        called(key, "customers:Update", f"{number + 1:032x}")
    called(keys[0], "customers:Read")
    return agent, keys


@pytest.mark.parametrize("width", [1440, 390])
def test_what_would_break_reads_well_before_an_agent_is_stopped(  # noqa: PLR0917
    held, width, steward, signed_in, live_server, silent_console, assert_accessible
):
    agent = held[0]
    page = signed_in(steward)
    page.set_viewport_size({"width": width, "height": 1000})
    page.goto(live_server.url + agent.get_absolute_url())

    page.get_by_role("link", name="Stop this agent").click()

    dialog = page.locator("#dialog")
    expect(dialog).to_contain_text("3 runs would have failed without them, and 1 call that no run")
    expect(dialog).to_contain_text("More may: on 2 of 3 systems the log does not tell all.")
    expect(dialog).to_contain_text("whether it is used is not known: no log of the system is")
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = dialog.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    dialog.get_by_role("link", name="2 calls").first.click()
    expect(page.locator("#listing")).to_contain_text("customers:Read")


@pytest.mark.parametrize("width", [1440, 390])
def test_what_would_break_reads_well_before_many_are_ended(  # noqa: PLR0917
    held, width, steward, signed_in, live_server, silent_console, assert_accessible
):
    page = signed_in(steward)
    page.set_viewport_size({"width": width, "height": 1000})

    page.goto(live_server.url + reverse("remediation:credentials_end"))

    expect(page.locator("main")).to_contain_text("Would break there: 2 calls in 90 days")
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("link", name="2 calls").first.click()
    expect(page.locator("#listing")).to_contain_text("customers:Update")


@pytest.mark.parametrize("width", [1440, 390])
def test_a_log_is_ended_in_a_dialog_and_says_so(  # noqa: PLR0917
    held, width, steward, signed_in, live_server, silent_console, assert_accessible
):
    log = held[1][0].identity.system.logs.get()
    page = signed_in(steward)
    page.set_viewport_size({"width": width, "height": 1000})
    page.goto(live_server.url + log.get_absolute_url())

    page.get_by_role("link", name="It has ended").click()
    page.get_by_label("Why nothing more comes").fill("The account was closed last week.")
    page.get_by_role("button", name="It has ended").click()

    expect(page.locator("main")).to_contain_text("The account was closed last week.")
    expect(page.get_by_role("link", name="Take it up again")).to_be_visible()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
