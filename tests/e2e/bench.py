"""Deciding on the bench: at a desk by keys alone, and on a phone by touch."""

from playwright.sync_api import expect

from tests.e2e.visitor import PATIENCE

SMALLEST_TARGET = 44
# Whatever a finger may be meant to hit; links inside a sentence are left to it (WCAG 2.5.8).
TARGETS = """
() => {
  const inSentence = (one) => one.matches("a:not(.btn)")
    && [...one.parentElement.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())
  const hits = "a, button, summary, label.btn, textarea, input:not(.btn-check)"
  return [...document.querySelectorAll(`main :is(${hits}), .page-actions .btn, .menu-button`)]
    .filter((one) => one.checkVisibility({visibilityProperty: true}) && !inSentence(one))
    .map((one) => [one, (one.closest("label") ?? one).getBoundingClientRect()])
    .filter(([, {width, height}]) => width && height)
    .map(([one, {width, height}]) => ({what: one.outerHTML.slice(0, 120), width, height}))
}
"""


def item(page, label):
    return page.get_by_role("article", name=label)


def expect_draft(page, label, outcome):
    """The page says that the choice is kept, and that it lacks nothing."""
    expect(item(page, label).locator("[data-says]")).to_have_text(
        f"Draft: {outcome}", timeout=PATIENCE
    )
    expect(item(page, label).locator("[data-missing]")).to_have_text("", timeout=PATIENCE)


def walk_to(page, label):
    """From item to item, by `j`."""
    for _ in range(page.locator("[data-item]").count()):
        page.keyboard.press("j")
        if label in (page.locator(":focus").get_attribute("aria-label") or ""):
            return
    raise AssertionError(f"No item of the bench is {label}.")


def keep_by_keys(page, label, reason):
    walk_to(page, label)
    page.keyboard.press("k")
    page.keyboard.type(reason)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowUp")
    expect_draft(page, label, "keep")


def narrow_by_keys(page, label, reason, *, to):
    walk_to(page, label)
    page.keyboard.press("n")
    page.keyboard.type(reason)
    press_until_focused(page, "Shift+Tab", item(page, label).get_by_label(to, exact=True))
    page.keyboard.press("Space")
    expect_draft(page, label, "narrow")


def revoke_by_keys(page, label, reason):
    walk_to(page, label)
    page.keyboard.press("r")
    page.keyboard.type(reason)
    page.keyboard.press("Escape")
    expect_draft(page, label, "revoke")


def submit_by_keys(page, count):
    page.keyboard.press("Control+Enter")
    submit = page.get_by_role("button", name=f"Submit {count}")
    expect(submit).to_be_visible()
    press_until_focused(page, "Tab", submit)
    page.keyboard.press("Enter")
    expect(page.locator("#dialog-title")).to_have_text(
        f"{count} of {count} decided", timeout=PATIENCE
    )


def press_until_focused(page, key, wanted):
    for _ in range(8):
        page.keyboard.press(key)
        if wanted.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"{key} does not lead to {wanted}.")


def too_small(page):
    """Targets that a finger would miss."""
    return [
        target
        for target in page.evaluate(TARGETS)
        if min(target["width"], target["height"]) < SMALLEST_TARGET
    ]


def decide_by_touch(page, label, outcome, reason):
    """The choices are in reach at the bottom as soon as the card comes into view."""
    card = item(page, label)
    card.locator(".item-what").scroll_into_view_if_needed()
    choice = card.locator(".decide label", has_text=outcome)
    expect(choice).to_be_in_viewport()
    choice.tap()
    if outcome == "Keep":
        card.locator("label.btn", has_text="90 days").tap()
    why = card.get_by_label("Why")
    why.tap()
    expect(why).to_be_focused()
    page.keyboard.insert_text(reason)
    expect_draft(page, label, outcome.lower())
