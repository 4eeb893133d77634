"""What every page shares: the frame, the keys, the colours, the lists."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.factories.findings import FindingFactory
from tests.factories.reviews import CampaignFactory, ReviewItemFactory, TemplateFactory

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def findings_page(signed_in, live_server, steward, silent_console):
    for number, label in enumerate(["billing", "archive", "mail"]):
        FindingFactory(agent=None, subject_id=number, subject_label=label)
    page = signed_in(steward)
    page.goto(f"{live_server.url}/findings/")
    return page


@pytest.mark.usefixtures("silent_console")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sign_in_page_can_be_read_by_everybody(page, live_server, assert_accessible, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(PHONE)

    page.goto(f"{live_server.url}/accounts/login/")

    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
    assert_accessible(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_list_can_be_read_by_everybody(findings_page, assert_accessible, scheme):
    findings_page.emulate_media(color_scheme=scheme)

    expect(findings_page.locator("tbody tr")).to_have_count(3)
    assert_accessible(findings_page)


def test_searching_swaps_the_list_alone_and_going_back_undoes_it(findings_page):
    page = findings_page
    page.evaluate("document.querySelector('h1').dataset.kept = 'yes'")

    page.locator("#id_q").fill("billing")

    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/findings/\?q=billing$"))
    expect(page.locator("h1")).to_have_attribute("data-kept", "yes")
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(3)


def test_sorting_and_choosing_columns_stand_in_the_address(findings_page):
    page = findings_page

    page.get_by_role("link", name="Since").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Since")
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("Detail").check()

    expect(page.locator("thead")).to_contain_text("Detail")
    expect(page).to_have_url(re.compile(r"sort=opened_at"))
    expect(page).to_have_url(re.compile(r"columns=[^&]*detail"))


def test_keys_search_go_and_explain_themselves(findings_page):
    page = findings_page

    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Findings")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("input[type=search]:focus")).to_have_count(1)


def test_the_chosen_colours_outlast_the_page(findings_page):
    page = findings_page
    page.locator(".user-menu summary").click()

    page.get_by_role("button", name="Dark colours").click()
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_a_phone_gets_a_menu_and_nothing_wider_than_itself(findings_page):
    page = findings_page
    page.set_viewport_size(PHONE)

    menu = page.get_by_role("button", name="Menu")
    expect(page.get_by_role("navigation", name="Places")).to_be_hidden()
    menu.click()

    expect(menu).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("navigation", name="Places")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.usefixtures("silent_console")
def test_a_region_with_a_chart_is_drawn_anew_without_an_inline_style(
    signed_in, live_server, steward
):
    campaign = CampaignFactory(running=True, population_count=1)
    ReviewItemFactory(campaign=campaign)
    page = signed_in(steward)
    page.goto(f"{live_server.url}{campaign.get_absolute_url()}")
    # The library that draws it is large; a busy machine takes its time.
    expect(page.locator("#burn-down canvas")).to_be_visible(timeout=30_000)
    page.evaluate("document.getElementById('campaign-progress').dataset.old = ''")

    page.evaluate("document.body.dispatchEvent(new CustomEvent('reviewitem:changed'))")

    expect(page.locator("#campaign-progress[data-old]")).to_have_count(0)
    expect(page.locator("#burn-down canvas")).to_be_visible()


def test_the_calendar_does_not_scroll_sideways_on_a_phone(signed_in, live_server, steward):
    TemplateFactory(
        name="Every week, all access of every agent in production",
        recurrence="FREQ=WEEKLY",
        starts_on=timezone.localdate() - timedelta(days=30),
        frequency_reason="The risk analysis asks for it.",
    )
    page = signed_in(steward)
    page.set_viewport_size(PHONE)

    page.goto(f"{live_server.url}/reviews/calendar/")

    expect(page.locator("tbody tr td").first).to_be_visible()
    assert (
        page.locator(".table-responsive").evaluate("box => box.scrollWidth - box.clientWidth") == 0
    )
