"""Access from asking to its end, with time moved forward; and an emergency."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from apps.approvals import tasks
from apps.approvals.models import AccessRequest, BreakGlass
from apps.approvals.services.provisioning import request_provision
from apps.approvals.states import GroupKey
from apps.core.actors import Person
from apps.grants.models import Grant
from apps.remediation.models import Order
from tests.approvals.conftest import make_company, make_policy, pass_days
from tests.e2e import orders
from tests.e2e.people import person
from tests.factories.accounts import UserFactory
from tests.factories.approvals import GroupMemberFactory, KnownGroupFactory

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("ending"),
]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WHY = "Sets the priority of tickets as they come in."


@pytest.fixture
def company(transactional_db, system):
    make_policy()
    return make_company(system)


def test_access_is_asked_for_runs_out_and_is_over_once_that_is_seen(company, visit, tmp_path):
    owner = visit(company.owner)
    owner.open(company.agent.get_absolute_url())
    owner.follow("Ask for access")
    owner.page.get_by_role("link", name=re.compile(f"Ask for it.*{company.write.key}")).click()
    owner.page.get_by_label("Which task it serves").select_option("Set priorities")
    owner.page.get_by_label("Why it is needed").fill(WHY)
    owner.page.get_by_label("For how many days").fill("30")
    owner.look()
    owner.page.get_by_role("button", name="Ask for it").click()
    expect(owner.page.get_by_text("Step 1 of 2: Need.")).to_be_visible()
    owner.look()

    request = AccessRequest.objects.get()
    for judge in (company.manager, company.system_owner, company.security):
        company.vote(request, judge)
    request_provision(request_id=request.pk, proof="Added.", actor=Person(company.steward))
    request.refresh_from_db()
    pass_days(request, 29)
    tasks.tell_of_ends()
    owner.open(request.get_absolute_url())
    expect(owner.page.get_by_text("“Ends in 1 day”")).to_be_visible()
    owner.follow("Renew")
    expect(owner.page.get_by_label("Why it is needed")).to_be_empty()

    request.refresh_from_db()
    pass_days(request, 2)
    tasks.end_access()
    owner.open(Grant.objects.get().get_absolute_url())
    expect(owner.page.get_by_text("Until that is seen, the access is in force.")).to_be_visible()
    owner.look()

    order = Order.objects.get()
    picture = tmp_path / "seen.txt"
    picture.write_text("the role lists nothing of it")
    orders.carry_out(visit(company.steward), order.label, "Taken out of the role.")
    orders.confirm(visit(UserFactory(steward=True)), order.label, "Looked.", picture)
    tasks.end_access()
    owner = visit(company.owner)
    owner.open(request.get_absolute_url())
    expect(owner.page.get_by_text("Over since").first).to_be_visible()
    assert Grant.objects.get().state == "expired"


def test_an_emergency_is_taken_shown_ended_and_reviewed(company, arrive, visit):
    taker = person("Night engineer")
    GroupMemberFactory(group=KnownGroupFactory(key=GroupKey.BREAK_GLASS), person=taker)
    night = arrive(taker, **PHONE)
    night.open(reverse("approvals:break_glass_list"))
    night.follow("Break the glass…")
    night.follow(re.compile(f"Choose.*{company.agent}"))
    night.follow(re.compile(f"Take it.*{company.write.key}"))
    night.page.get_by_label("Why it cannot wait").fill("The queue stands still.")
    night.page.get_by_role("button", name="Break the glass").dblclick()
    expect(night.page.get_by_role("heading", name="In force")).to_be_visible()
    night.look()
    assert BreakGlass.objects.count() == 1

    owner = visit(company.owner)
    owner.open(reverse("console:home"))
    banner = owner.page.get_by_role("region", name="Break-glass in force")
    expect(banner).to_contain_text("Night engineer took write access")
    owner.act("End it…", "End it now", Why="The queue moves again.")
    expect(owner.page.get_by_text("Over, not reviewed")).to_be_visible()
    expect(banner).to_have_count(0)
    owner.look()

    security = visit(company.security)
    security.open(reverse("console:home"))
    security.follow("To review: ")
    security.page.get_by_role("link", name="Review it…").click()
    dialog = security.page.locator("#dialog")
    dialog.get_by_label("It was warranted", exact=True).check()
    dialog.get_by_label("What you looked at").fill("I read the log: the queue stood still.")
    dialog.get_by_role("button", name="Give the review").click()
    expect(security.page.get_by_text("I read the log").first).to_be_visible()
    security.look()
