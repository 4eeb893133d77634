"""The trail without a mouse: who opens something goes on from there, not from the top."""

import pytest
from playwright.sync_api import expect

from apps.activity.headers import Whose
from apps.activity.models import Invocation
from tests.activity.runs import keep, run
from tests.factories.inventory import AgentFactory

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

# Whoever is quicker than a page settles; and later than it does, what they went to is looked at.
GO_ON_AT_ONCE = """() => addEventListener("focusin", ({ target }) => {
  if (!target.matches("div.story-words") || "gone" in document.body.dataset) return
  document.body.dataset.gone = ""
  setTimeout(() => document.getElementById("all-words").focus())
  setTimeout(() => { document.body.dataset.settled = "" }, 300)
})"""


@pytest.fixture
def page_of_run(steward, signed_in, live_server, silent_console):
    agent = AgentFactory(active=True)
    told = run()
    for one in told:
        one.body = {"told": "Refund it."}
    keep(*told, whose=Whose(agent_id=agent.pk, agent=agent.name))
    page = signed_in(steward)
    page.goto(live_server.url + Invocation.objects.get().get_absolute_url())
    return page


def test_who_opens_words_by_keyboard_reads_on_from_there(page_of_run):
    page = page_of_run

    page.get_by_role("button", name="Its words", exact=True).first.press("Enter")

    expect(page.locator("div.story-words").first).to_be_focused()

    page.get_by_role("button", name="All its words").press("Enter")

    expect(page.locator("#story div.story-words").nth(1)).to_be_visible()
    expect(page.get_by_role("button", name="All its words")).to_be_focused()


def test_who_goes_on_at_once_is_not_brought_back_to_the_words(page_of_run):
    page = page_of_run
    page.evaluate(GO_ON_AT_ONCE)

    page.get_by_role("button", name="Its words", exact=True).first.press("Enter")

    expect(page.locator("body[data-settled]")).to_be_attached()
    expect(page.get_by_role("button", name="All its words")).to_be_focused()
