"""Orders: carried out by one person, confirmed by another, or seen by the next import."""

import time
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.visitor import PATIENCE


def open_order(visitor, label):
    visitor.open("/orders/")
    visitor.follow(label)


def carry_out(visitor, label, said):
    open_order(visitor, label)
    visitor.act("It was carried out…", "Note it as carried out", **{"What you did or saw": said})
    expect(visitor.page.get_by_text("carried it out. Somebody else now confirms")).to_be_visible()
    visitor.look()


def confirm(visitor, label, said, file: Path):
    open_order(visitor, label)
    page = visitor.page
    page.get_by_role("link", name="Confirm that it is gone…").click()
    page.locator("#dialog").get_by_label("What you did or saw").fill(said)
    page.locator("#dialog").get_by_label("File that shows it").set_input_files(file)
    page.locator("#dialog").get_by_role("button", name="Confirm", exact=True).click()
    expect_state(visitor, "Confirmed by hand")


def expect_state(visitor, state):
    expect(visitor.page.locator("#order-summary .card-title").first).to_have_text(state)
    visitor.look()


def expect_listed(visitor, label, state):
    """Whoever opens the list sees it, at the latest once a worker has come to it."""
    row = visitor.page.locator("tbody tr", has_text=label)
    deadline = time.monotonic() + PATIENCE / 1000
    visitor.open("/orders/")
    while not row.filter(has_text=state).count() and time.monotonic() < deadline:
        visitor.page.wait_for_timeout(200)
        visitor.open("/orders/")
    expect(row).to_contain_text(state)
