"""Three in the morning: from a leaked string to a key that is refused, and back again."""

import re
import time

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from apps.remediation.models import Order
from tests.e2e.people import person
from tests.remediation.aws import Company

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("ministack"),
]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SIXTY_SECONDS = 60


@pytest.fixture
def company(ministack, monkeypatch, transactional_db):
    return Company(ministack, monkeypatch)


def paste(visitor, text):
    box = visitor.page.get_by_label("Leaked? Paste a key, its id, or an alert")
    box.fill(text)
    box.press("Enter")
    expect(visitor.page.get_by_role("heading", name="Leaked?", exact=True)).to_be_visible()
    visitor.look()


def test_a_pasted_key_is_dead_within_a_minute_and_three_clicks(company, worker, arrive):
    held = company.key()
    night = arrive(person("Night steward", role="steward"))
    night.open(reverse("console:home"))
    began = time.monotonic()

    paste(night, f"aws_access_key_id={held.user.key.id} aws_secret={held.user.key.secret}")
    expect(night.page.get_by_text("Its id is in the text.")).to_be_visible()
    assert held.user.key.secret not in night.page.content()
    night.page.get_by_role("link", name="Compromised: kill now…").click()
    night.page.locator("#dialog").get_by_role("button", name="Kill it now").click()
    expect(night.page.get_by_text("It no longer works.")).to_be_visible(timeout=60_000)

    assert held.works() == "InvalidClientTokenId"
    assert time.monotonic() - began < SIXTY_SECONDS
    night.look()
    expect(
        night.page.get_by_text("You killed it, so undoing it takes another person.")
    ).to_be_visible()

    other = arrive(person("Day steward", role="steward"), **PHONE)
    other.open(Order.objects.get().get_absolute_url())
    other.act("Confirm the kill…", "Confirm the kill", **{"Why it was right": "Seen in a gist."})
    expect(other.page.get_by_text(re.compile("absent")).first).to_be_visible(timeout=60_000)
    assert held.status() == "absent"
    other.look()


def test_a_revocation_is_undone_in_the_browser_and_works_again(company, worker, visit):
    held = company.key()
    steward = visit(person("Steward", role="steward"))
    steward.open(held.credential.get_absolute_url())
    steward.page.get_by_role("link", name="Revoke…").click()
    dialog = steward.page.locator("#dialog")
    dialog.get_by_label("Why it is revoked").fill("It is not needed any more.")
    dialog.get_by_role("button", name="Revoke it").click()
    expect(steward.page.get_by_text("It no longer works.")).to_be_visible(timeout=60_000)
    assert held.works() == "InvalidClientTokenId"

    steward.look()
    steward.act("Undo…", "Undo it", **{"Why it is undone": "The wrong key."})
    expect(steward.page.get_by_text("This order was taken back")).to_be_visible(timeout=60_000)

    assert held.works() is True
