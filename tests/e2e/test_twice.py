"""A hand that clicks twice: what was asked for once is done once."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from apps.activity.models import Reconstruction, Stream
from tests.e2e.visitor import settle, until
from tests.factories.inventory import AgentFactory, SystemFactory

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_a_check_is_signed_once(steward, signed_in, live_server, silent_console):
    agent = AgentFactory(active=True)
    page = signed_in(steward)
    page.goto(live_server.url + reverse("activity:reconstruction_detail", args=[agent.pk]))
    page.get_by_role("link", name="Sign it").click()
    page.locator("#dialog textarea").fill("Nothing is connected yet.")

    page.locator("#dialog").get_by_role("button", name="Sign it").dblclick()

    expect(page.locator("#dialog")).to_be_hidden()
    expect(page.get_by_text("Signed.", exact=True)).to_have_count(1)
    settle(page)
    assert Reconstruction.objects.count() == 1


def test_a_page_that_is_slow_is_sent_once(steward, signed_in, live_server, silent_console):
    """The second click comes while the first is on its way: not as one double click."""
    SystemFactory(name="CRM", kind="aws")
    page, held = signed_in(steward), []
    page.goto(live_server.url + reverse("activity:log_new"))
    page.route(
        "**/trail/logs/new/",
        lambda route: held.append(route) if route.request.method == "POST" else route.continue_(),
    )
    page.get_by_label("System").select_option(label="CRM")
    page.get_by_label("CloudTrail").check()

    page.get_by_role("button", name="Save").evaluate(
        "button => new Promise(done => {"
        " button.click(); setTimeout(() => { button.click(); done() }, 100) })"
    )
    until(page, lambda: held)
    page.wait_for_timeout(500)

    assert len(held) == 1
    held[0].continue_()
    expect(page.get_by_role("heading", name="Log of CRM")).to_be_visible()
    assert Stream.objects.count() == 1
