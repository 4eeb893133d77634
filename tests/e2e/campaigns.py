"""What a steward and a manager do on the page of a campaign."""

import re

from playwright.sync_api import expect

from tests.e2e.visitor import PASSWORD, PATIENCE


def make_from_ready_template(steward, name):
    page = steward.page
    steward.open("/reviews/")
    steward.follow("Templates")
    page.get_by_role("button", name="Make the four ready ones").click()
    expect(page.get_by_text("4 templates made.")).to_be_visible()
    steward.look()
    steward.follow("Quarterly write access")
    page.get_by_role("link", name="Start a campaign…").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make the draft").click()
    page.wait_for_url(re.compile(r"/reviews/\d+/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    steward.look()


def stage(steward):
    steward.act("Stage…", "Stage")
    expect_state(steward, "Staged")


def launch(steward):
    steward.act("Launch…", "Launch")
    expect_state(steward, "Running")


def end_early(steward, reason):
    steward.act("End early…", "End it now", Why=reason)
    expect_state(steward, "Remediating")


def close(steward):
    steward.act("Close…", "Close the campaign")
    expect_state(steward, "Closed")


def acknowledge(manager):
    """The sign-in of this morning does not do: who they are is proved once more."""
    page = manager.page
    page.get_by_role("link", name="Acknowledge…").click()
    page.wait_for_url("**/reauthenticate/**")
    manager.look()
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url(re.compile(r"/acknowledge/"))
    manager.look()
    page.get_by_label("I acknowledge this in these words.").check()
    page.get_by_role("button", name="Acknowledge", exact=True).click()
    expect_state(manager, "Acknowledged")


def expect_state(visitor, state):
    """The page says it by itself: nobody has to load it anew."""
    title = visitor.page.locator("#campaign-summary .card-title")
    expect(title).to_have_text(state, timeout=PATIENCE)
    visitor.look()


def dispositions_on(visitor):
    """How items ended, as the page counts them, and the population it gives."""
    rows = visitor.page.locator(".card", has_text="How items ended").locator("li")
    counted = dict(row.split("\n") for row in rows.all_inner_texts() if row.count("\n") == 1)
    population = int(counted.pop("The population"))
    ended = {
        what: int(count)
        for what, count in counted.items()
        if count.isdecimal() and not what.startswith("Reviewer found")
    }
    return ended, population
