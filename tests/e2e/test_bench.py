from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from apps.reviews.models import Decision, Draft
from tests.e2e.visitor import settle, until
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import AgentFactory
from tests.factories.reviews import CampaignFactory, ReviewItemFactory

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

WHY = "It sets the priority of tickets."


@pytest.fixture
def manager():
    return UserFactory(display_name="Head of support")


@pytest.fixture
def campaign():
    return CampaignFactory(running=True, name="Write access, fourth quarter")


def items_for(manager, campaign, count):
    agent = AgentFactory(active=True, name="support-triage")
    made = []
    for number in range(count):
        grant = GrantFactory(label=f"tickets:update-{number}")
        GrantStatementFactory(grant=grant, policy="support-tools")
        made.append(
            ReviewItemFactory(campaign=campaign, agent=agent, reviewer=manager, grant=grant)
        )
    return made


def expect_draft(page, item, outcome):
    """The page says that the choice is kept, and that it lacks nothing."""
    expect(page.locator(f"#item-{item.pk} [data-says]")).to_have_text(f"Draft: {outcome}")
    expect(page.locator(f"#item-{item.pk} [data-missing]")).to_have_text("")


def open_bench(page, live_server, campaign):
    page.goto(f"{live_server.url}/reviews/bench/{campaign.pk}/")
    page.wait_for_load_state("networkidle")
    settle(page)


def test_a_manager_decides_by_keyboard(  # noqa: PLR0917  (fixtures)
    signed_in, live_server, manager, campaign, silent_console, assert_accessible
):
    kept, revoked = items_for(manager, campaign, 2)
    page = signed_in(manager)
    open_bench(page, live_server, campaign)
    assert_accessible(page)

    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator(f"#reason-{kept.pk}")).to_be_focused()
    page.keyboard.type(WHY)
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    expect_draft(page, kept, "keep")
    page.keyboard.press("ArrowDown")
    expect(page.locator(f"#item-{revoked.pk}")).to_be_focused()
    page.keyboard.press("r")
    page.keyboard.type("Nothing has used it.")
    expect_draft(page, revoked, "revoke")
    expect(page.locator("#bench-submit")).to_contain_text("Submit 2")
    page.keyboard.press("Control+Enter")
    page.get_by_role("button", name="Submit 2").click()
    expect(page.locator("#dialog-title")).to_have_text("2 of 2 decided")
    assert_accessible(page)

    decisions = dict(Decision.objects.values_list("item", "outcome"))
    assert decisions == {kept.pk: "keep", revoked.pk: "revoke"}
    assert Decision.objects.get(item=kept).until == timezone.localdate() + timedelta(days=30)


def test_two_tabs_are_told_apart_and_no_words_are_lost(
    signed_in, live_server, manager, campaign, silent_console
):
    [item] = items_for(manager, campaign, 1)
    page = signed_in(manager)
    open_bench(page, live_server, campaign)
    other = page.context.new_page()
    open_bench(other, live_server, campaign)

    page.locator(f"label[for=o-{item.pk}-revoke]").click()
    page.locator(f"#reason-{item.pk}").fill("Nothing has used it.")
    expect_draft(page, item, "revoke")
    other.locator(f"label[for=o-{item.pk}-keep]").click()

    expect(other.get_by_role("alert")).to_contain_text("This was changed in another tab.")
    expect(other.locator(f"#reason-{item.pk}")).to_have_value("Nothing has used it.")
    assert Draft.objects.get().outcome == "revoke"


def test_undo_brings_an_item_back_as_it_was(
    signed_in, live_server, manager, campaign, silent_console
):
    [item] = items_for(manager, campaign, 1)
    page = signed_in(manager)
    open_bench(page, live_server, campaign)
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    expect(page.locator(f"#item-{item.pk} [data-says]")).to_have_text("Draft: abstain")

    page.keyboard.press("u")

    expect(page.locator(f"#item-{item.pk} [name=outcome]:checked")).to_have_count(0)
    assert not Draft.objects.exists()


def test_a_double_click_on_submit_decides_once(
    signed_in, live_server, manager, campaign, silent_console
):
    [item] = items_for(manager, campaign, 1)
    page = signed_in(manager)
    open_bench(page, live_server, campaign)
    page.locator(f"label[for=o-{item.pk}-revoke]").click()
    page.locator(f"#reason-{item.pk}").fill("Nothing has used it.")
    expect_draft(page, item, "revoke")

    page.locator("#bench-submit").click()
    page.get_by_role("button", name="Submit 1").dblclick()

    expect(page.locator("#dialog-title")).to_have_text("1 of 1 decided")
    assert Decision.objects.count() == 1


def unsaved(page, item):
    return page.locator(f"#item-{item.pk} [data-unsaved]")


def test_a_draft_that_cannot_be_saved_says_so_keeps_its_words_and_is_tried_again(
    signed_in, live_server, manager, campaign
):
    [item] = items_for(manager, campaign, 1)
    page = signed_in(manager)
    open_bench(page, live_server, campaign)
    page.context.set_offline(True)

    page.locator(f"label[for=o-{item.pk}-revoke]").click()
    page.locator(f"#reason-{item.pk}").fill("Nothing has used it.")
    expect(unsaved(page, item)).to_contain_text("Not saved yet. Countersign cannot be reached.")
    assert not Draft.objects.exists()
    page.context.set_offline(False)

    expect_draft(page, item, "revoke")
    expect(unsaved(page, item)).to_be_hidden()
    assert Draft.objects.get().reason == "Nothing has used it."


@pytest.mark.parametrize("lost", [{"name": "sessionid"}, {}], ids=["session", "every cookie"])
def test_a_lost_session_loses_no_words_and_they_are_saved_after_signing_in_beside(
    signed_in, live_server, manager, campaign, lost
):
    [item] = items_for(manager, campaign, 1)
    page = signed_in(manager)
    open_bench(page, live_server, campaign)
    page.context.clear_cookies(**lost)

    page.locator(f"label[for=o-{item.pk}-revoke]").click()
    page.locator(f"#reason-{item.pk}").fill("Nothing has used it.")
    expect(unsaved(page, item)).to_contain_text("signed")
    expect(page.locator(f"#reason-{item.pk}")).to_have_value("Nothing has used it.")
    assert not Draft.objects.exists()
    signed_in(manager)
    with page.expect_response(lambda answer: "/draft/" in answer.url and answer.status == 204):
        page.evaluate("dispatchEvent(new Event('focus'))")

    expect_draft(page, item, "revoke")
    expect(unsaved(page, item)).to_be_hidden()
    assert Draft.objects.get().reason == "Nothing has used it."


def test_words_about_an_item_that_was_reassigned_meanwhile_stay_and_it_says_so(
    signed_in, live_server, manager, campaign
):
    [item] = items_for(manager, campaign, 1)
    page = signed_in(manager)
    open_bench(page, live_server, campaign)
    item.reviewer = UserFactory()
    item.save()

    page.locator(f"label[for=o-{item.pk}-revoke]").click()
    page.locator(f"#reason-{item.pk}").fill("Nothing has used it.")

    expect(unsaved(page, item)).to_contain_text("It is not assigned to you any more.")
    expect(page.locator(f"#reason-{item.pk}")).to_have_value("Nothing has used it.")
    assert not Draft.objects.exists()


@pytest.fixture
def phone(browser, live_server, client, manager, db):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    client.force_login(manager)
    cookie = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page = context.new_page()
    complaints = []
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None,
    )
    yield page
    context.close()
    assert complaints == []


def test_ten_write_items_are_decided_by_touch_on_a_phone(
    phone, live_server, manager, campaign, assert_accessible
):
    items = items_for(manager, campaign, 10)
    open_bench(phone, live_server, campaign)

    for item in items:
        choice = phone.locator(f"label[for=o-{item.pk}-keep]")
        choice.scroll_into_view_if_needed()
        assert choice.bounding_box()["height"] >= 44
        choice.tap()
        phone.locator(f"label[for=days-{item.pk}-90]").tap()
        phone.locator(f"#reason-{item.pk}").fill(WHY)
        expect_draft(phone, item, "keep")
    assert_accessible(phone)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.locator("#bench-submit").scroll_into_view_if_needed()
    phone.locator("#bench-submit").tap()
    phone.get_by_role("button", name="Submit 10").tap()

    expect(phone.locator("#dialog-title")).to_have_text("10 of 10 decided")
    assert Decision.objects.filter(outcome="keep", reason=WHY).count() == 10


def test_the_answer_to_a_draft_moves_nothing_under_a_finger(phone, live_server, manager, campaign):
    (item,) = items_for(manager, campaign, 1)
    open_bench(phone, live_server, campaign)
    reason, choices = phone.locator(f"#reason-{item.pk}"), phone.locator(".decide")
    held = []
    phone.route("**/draft/", lambda route: held.append(route))  # noqa: PLW0108  (it sets a mark)

    phone.locator(f"label[for=o-{item.pk}-keep]").tap()
    expect(reason).to_be_visible()
    until(phone, lambda: held)
    before = [round(box.bounding_box()["y"]) for box in (reason, choices)]
    held.pop().continue_()
    expect(phone.locator(f"#item-{item.pk} [data-says]")).to_be_visible()

    assert [round(box.bounding_box()["y"]) for box in (reason, choices)] == before
