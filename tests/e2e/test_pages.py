"""Who is on call: a route made and tested, a ladder, a page, and its answer, in a browser."""

import os
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from apps.notices.models import Page
from tests.e2e.people import person
from tests.factories.accounts import TeamFactory
from tests.factories.notices import RouteFactory, page_sent
from tests.notices.servers import Slack, serving

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("pages"),
]
SCREENS = {
    "desk": {"viewport": {"width": 1440, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}


@pytest.fixture
def chat(settings, monkeypatch):
    settings.OUTBOUND_INTERNAL_HOSTS = ["localhost"]
    with serving(Slack()) as server:
        monkeypatch.setenv("COUNTERSIGN_SECRET_CHAT", server.url)
        yield server


@pytest.mark.parametrize("screen", SCREENS)
def test_a_steward_says_who_is_called_and_answers_a_call(arrive, chat, screen):
    steward = arrive(person("Steward", steward=True), **SCREENS[screen])
    page = steward.page
    TeamFactory(name="Payments")
    RouteFactory(name="Mail to Ada", person=person("Ada"))

    steward.open(reverse("notices:route_list"))
    page.get_by_role("link", name="Chat…").click()
    dialog = page.locator("#dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Name").fill("Chat of Security")
    dialog.get_by_label("Where the address").fill("env:COUNTERSIGN_SECRET_CHAT")
    shot(page, screen, "new-route")
    dialog.get_by_role("button", name="Make the route").click()
    page.wait_for_url("**/routes/*/")
    steward.look()

    page.get_by_role("button", name="Send a test now").click()
    expect(page.locator("#route-sent")).to_contain_text("200 ok")
    assert chat.taken[0].startswith("Test of Chat of Security")
    shot(page, screen, "route")
    steward.look()

    steward.open(reverse("accounts:ladder_list"))
    page.locator("#house").get_by_role("link", name="Change…").click()
    expect(dialog).to_be_visible()
    dialog.get_by_label("First").select_option(label="Chat of Security")
    dialog.get_by_label("Then").first.select_option(label="Mail to Ada")
    dialog.get_by_label("Why it changes").fill("Nobody was named.")
    shot(page, screen, "ladder-dialog")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("#house")).to_contain_text("Chat of Security")
    expect(page.locator("#listing")).to_have_css("opacity", "1")
    shot(page, screen, "ladders")
    steward.look()

    page_sent(subject="A revoked key was used")
    steward.open(reverse("console:home"))
    shot(page, screen, "home")
    steward.follow("1 page not acknowledged")
    shot(page, screen, "pages")
    steward.follow("A revoked key was used")
    shot(page, screen, "page")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#page-state")).to_contain_text("Acknowledged")
    expect(page.get_by_role("button", name="Resolve")).to_be_visible()
    shot(page, screen, "page-acknowledged")
    steward.look()

    assert Page.objects.get().acknowledged_by.display_name == "Steward"
    assert len(chat.taken) == 2


def shot(page, screen, name):
    wide = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert wide, f"{name} is wider than the {screen}"
    if where := os.environ.get("SHOTS"):
        page.screenshot(path=Path(where) / f"{screen}-{name}.png", full_page=True)
