"""The trail without a mouse: who opens something goes on from there, not from the top."""

import pytest
from playwright.sync_api import expect

from apps.activity.headers import Whose
from apps.activity.models import Invocation
from tests.activity.runs import keep, run
from tests.factories.inventory import AgentFactory

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_who_opens_words_by_keyboard_reads_on_from_there(
    steward, signed_in, live_server, silent_console
):
    agent = AgentFactory(active=True)
    told = run()
    for one in told:
        one.body = {"told": "Refund it."}
    keep(*told, whose=Whose(agent_id=agent.pk, agent=agent.name))
    page = signed_in(steward)
    page.goto(live_server.url + Invocation.objects.get().get_absolute_url())

    page.get_by_role("button", name="Its words", exact=True).first.press("Enter")

    expect(page.locator("div.story-words").first).to_be_focused()

    page.get_by_role("button", name="All its words").press("Enter")

    expect(page.locator("#story div.story-words").nth(1)).to_be_visible()
    expect(page.get_by_role("button", name="All its words")).to_be_focused()
