"""Words that are long, or that lie narrow: they stay whole, and inside what they stand in."""

import pytest
from django.urls import reverse

from apps.activity.headers import Whose
from apps.activity.models import SavedSearch
from apps.activity.services.hours import hours_count
from apps.grants.models import GrantStatement
from tests.activity.runs import api, keep, shifted
from tests.e2e.test_trail import NOW
from tests.factories.grants import GrantFactory
from tests.factories.inventory import BindingFactory

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("width", [1440, 390])
def test_a_kept_search_of_a_long_name_stays_on_the_page(
    steward, signed_in, live_server, silent_console, width
):
    SavedSearch.objects.create(person=steward, name="x" * 80, text="kind:api")
    page = signed_in(steward)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(live_server.url + reverse("activity:search"))

    page.get_by_text("Saved", exact=True).click()

    box = page.locator("details[open] .popover-body").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_name_of_a_call_is_not_broken_where_there_is_room(
    steward, signed_in, live_server, silent_console
):
    binding = BindingFactory(agent__active=True, identity__system__kind="aws")
    identity = binding.identity
    whose = Whose(identity_id=identity.pk, system_id=identity.system_id)
    grant = GrantFactory(identity=identity, service="s3", level="read")
    GrantStatement.objects.create(
        grant=grant, position=0, actions=["s3:GetObject"], resources=["arn:aws:s3:::other/*"]
    )
    keep(*shifted([api("s3:GetObject", target="bucket/a", outcome="ok")], NOW), whose=whose)
    hours_count()
    page = signed_in(steward)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(live_server.url + reverse("activity:agent_activity", args=[binding.agent_id]))

    name = page.get_by_text("s3:GetObject", exact=True)

    line = name.evaluate("one => parseFloat(getComputedStyle(one).lineHeight)")
    assert name.bounding_box()["height"] < 1.5 * line


def test_a_time_among_facts_stays_inside_its_card(steward, signed_in, live_server, silent_console):
    keep(api("refunds.create", outcome="ok"), whose=Whose())
    page = signed_in(steward)
    page.set_viewport_size({"width": 1024, "height": 900})
    page.goto(live_server.url + reverse("activity:record_detail", args=[0]))

    card = page.locator(".card", has=page.get_by_role("heading", name="In short"))
    time = card.get_by_role("time").last

    inside = card.locator(".card-body").bounding_box()
    box = time.bounding_box()
    assert box["x"] + box["width"] <= inside["x"] + inside["width"] - 16
