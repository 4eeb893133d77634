"""Somebody at a browser of their own: whatever page they come to is looked at."""

import time
from pathlib import Path
from urllib.parse import urlsplit

from django.urls import reverse
from playwright.sync_api import expect

AXE = Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js"
# Chromium logs every answer that is an error; 422 is how a form says that it was not filled in.
EXPECTED = ("status of 422",)
BUSY = ".htmx-request, .htmx-swapping, .htmx-settling, [data-module]:not([data-brought])"
PASSWORD = "correct horse battery"
# A worker may have to wake up first, on a machine that is busy.
PATIENCE = 60_000


def hear(page):
    """Note what the page complains of: a refused style, a missing file, an error."""
    complaints = []

    def heard(message):
        expected = any(words in message.text for words in EXPECTED)
        if message.type in {"error", "warning"} and not expected:
            complaints.append(f"{page.url}: {message.text}")

    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    return complaints


def assert_accessible(page):
    """Run axe on the page as it stands. Evaluating from outside passes by the page's CSP."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found = page.evaluate(
        "axe.run(document, {resultTypes: ['violations'],"
        " runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})"
    )
    broken = [
        f"{rule['id']}: {node['html']} ({node['failureSummary']})"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
    assert broken == [], "\n".join([page.url, *broken])


def settle(page):
    """Wait until all that was asked for is there, and what brings a module of its own has it.

    A page is idle in the eyes of Playwright once and for all: that does not wait for an answer.
    """
    page.wait_for_load_state()
    expect(page.locator(BUSY)).to_have_count(0, timeout=PATIENCE)


def until(page, holds):
    """Let the browser go on until this holds."""
    deadline = time.monotonic() + PATIENCE / 1000
    while not holds():
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)


class Visitor:
    def __init__(self, context, address):
        self.context = context
        self.page = context.new_page()
        self.address = address
        self.complaints = hear(self.page)
        self.been_to, self.looked_at = set(), set()
        self.page.on("framenavigated", self._note)

    def _note(self, frame):
        if frame == self.page.main_frame:
            self.been_to.add(urlsplit(frame.url).path)

    def sign_in(self, person):
        """By the form, as everybody does. `test_shell` lets axe look at that one."""
        self.page.goto(self.address + reverse("account_login"))
        self.looked_at.add(reverse("account_login"))
        self.page.locator("input[name=login]").fill(person.email)
        self.page.locator("input[name=password]").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_url(lambda url: "/login/" not in url)
        self.look()
        return self

    def remember(self, session):
        cookie = {"name": "sessionid", "value": session, "url": self.address}
        self.context.add_cookies([cookie])
        return self

    def open(self, path):
        self.page.goto(self.address + path)
        self._look_once()

    def follow(self, name, *, within=None):
        """Click a link that leads to another page."""
        link = (within or self.page).get_by_role("link", name=name)
        before = self.page.url
        link.first.click()
        self.page.wait_for_url(lambda url: url != before)
        self._look_once()

    def _look_once(self):
        if urlsplit(self.page.url).path in self.looked_at:
            settle(self.page)
        else:
            self.look()

    def look(self):
        """Wait until the page is whole, and let axe look at it."""
        settle(self.page)
        assert_accessible(self.page)
        self.looked_at.add(urlsplit(self.page.url).path)

    def act(self, name, submit, **fields):
        """Open a dialog of the page by its button, fill it in, and send it off."""
        self.page.get_by_role("link", name=name).click()
        dialog = self.page.locator("#dialog")
        expect(dialog).to_be_visible()
        assert_accessible(self.page)
        for label, value in fields.items():
            dialog.get_by_label(label).fill(value)
        dialog.get_by_role("button", name=submit, exact=True).click()
        expect(dialog).to_be_hidden()

    def status_of(self, path):
        """What the server answers this person, without showing it."""
        return self.context.request.get(self.address + path, max_redirects=0).status

    def leave(self):
        self.page.wait_for_load_state("networkidle")
        self.context.close()
        assert self.complaints == []
        assert self.been_to - {"blank"} <= self.looked_at
