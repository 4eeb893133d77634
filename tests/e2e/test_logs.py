"""A steward adds a log, tries a line, brings in a file, and sees what came of it, in a browser."""

import os
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.activity.logs import as_lines
from tests.e2e.people import person
from tests.factories.inventory import SystemFactory

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("logs"),
]
SCREENS = {
    "desk": {"viewport": {"width": 1440, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
MAPPING = "name = what\nhappened_at = when\nprincipal = who"
LINE = {"what": "order.refund", "when": "2026-07-10T11:00:00Z", "who": "bot", "id": "1"}


def shot(page, screen, name):
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / f"logs-{name}-{screen}.png", full_page=True)


@pytest.mark.parametrize("screen", SCREENS)
def test_a_log_is_added_tried_brought_in_and_read(arrive, worker, tmp_path, screen):
    SystemFactory(name="CRM", kind="crm")
    SystemFactory(name="Mail", kind="mail")
    steward = arrive(person("Steward", steward=True), **SCREENS[screen])
    page = steward.page
    log = tmp_path / "crm.jsonl"
    log.write_bytes(as_lines(LINE, "{broken", LINE | {"id": "2"}))

    steward.open(reverse("activity:log_list"))
    expect(page.get_by_text("none: not known").first).to_be_visible()
    shot(page, screen, "list")
    steward.follow("Add a log")
    page.get_by_label("System").select_option(label="CRM")
    page.get_by_label("JSON lines, with a mapping").check()
    page.get_by_role("textbox", name="Mapping").fill(
        "name = what\nhappened_at = when\nprincipal = who"
    )
    page.get_by_label("A line of it").fill(as_lines(LINE).decode())
    page.get_by_role("button", name="Try the line").click()
    expect(page.locator("#tried")).to_contain_text("order.refund")
    steward.look()
    shot(page, screen, "tried")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("heading", name="Log of CRM")).to_be_visible()
    steward.look()
    steward.follow("Bring in a file")
    page.get_by_label("File").set_input_files(log)
    page.get_by_role("button", name="Read it").click()

    expect(page.locator("#reading")).to_contain_text("crm.jsonl, line 2", timeout=20_000)
    shot(page, screen, "report")
    steward.look()
    steward.follow("Back to the log")
    expect(page.locator("#listing")).to_contain_text("crm.jsonl")
    expect(page.locator("#log-sources")).to_contain_text("None can")
    shot(page, screen, "log")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
