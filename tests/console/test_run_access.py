"""What let a run do what it did: each action and call leads to its grant, and to its reasons."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.models import Event, Invocation
from apps.approvals.models import Vote
from apps.approvals.states import Choice
from apps.grants.states import GrantState
from tests.activity.runs import NOW, TRACE, api, keep, run, said, shifted
from tests.activity.use import granted, known_for_long
from tests.factories.accounts import SeatFactory, UserFactory
from tests.factories.approvals import AccessRequestFactory
from tests.factories.grants import JustificationFactory, PermissionFactory
from tests.factories.inventory import BindingFactory, SystemFactory
from tests.factories.reviews import DecisionFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db
REFUND = "refunds:Refund"


@pytest.fixture
def binding():
    binding = BindingFactory(identity__system__kind="aws")
    known_for_long(binding.identity)
    binding.bound_at = timezone.now() - timedelta(days=200)
    binding.save()
    return binding


@pytest.fixture
def permission(binding):
    return PermissionFactory(system_kind="aws", key=REFUND, service="refunds", level="write")


def ran(binding, *calls, action=REFUND):
    """A run that tells of one action and one call, and what systems recorded of it."""
    told = shifted(run(), NOW)
    told[2].name, told[2].outcome = action, "ok"
    keep(*told, whose=Whose(agent_id=binding.agent_id, agent=binding.agent.name))
    if calls:
        keep(*calls, whose=whose(binding.identity))
    return Invocation.objects.get()


def whose(identity):
    return Whose(
        identity_id=identity.pk,
        identity=identity.name,
        system_id=identity.system_id,
        system=identity.system.name,
    )


def held(identity, *actions, **more):
    return known_for_long(granted(identity, *actions, **more))


def ended(identity, *actions, ago):
    over = {"state": GrantState.REVOKED, "ended_at": timezone.now() - ago}
    return held(identity, *actions, service="s3", **over)


def lines(client, invocation):
    """What the panel says of each record, by its name: the newest of a name counts."""
    page = client.get(reverse("console:invocation_access", args=[invocation.pk]))
    return {one.event.name: plain(page.text, one.event) for one in page.context["access"].records}


def plain(text, event):
    line = re.search(rf'id="record-{event.leaf_index}".*?</li>', text, re.DOTALL)
    assert line
    return " ".join(re.sub(r"<[^>]+>", "", line[0]).split())


def of_record(client, **asked):
    leaf = Event.objects.get(**asked).leaf_index
    return client.get(reverse("console:record_access", args=[leaf])).text


def test_what_an_agent_tells_leads_to_the_grant_and_to_all_that_it_rests_on(
    as_steward, binding, permission
):
    request = AccessRequestFactory(agent=binding.agent, identity=binding.identity, in_place=True)
    approver = UserFactory(first_name="Ada", last_name="Approver")
    Vote.objects.create(
        request=request, round=1, step_at=1, person=approver, choice=Choice.APPROVE,
        reason="It is for refunds.", digest="0" * 64,
    )  # fmt: skip
    grant = held(
        binding.identity, REFUND, level="write", service="refunds",
        request_id=request.pk, expires_at=timezone.now() + timedelta(days=30),
    )  # fmt: skip
    given = JustificationFactory(grant=grant, given_at=timezone.now() - timedelta(days=100))
    kept = DecisionFactory(item__grant=grant, item__agent=binding.agent, item__bound=False)
    ran(binding)

    panel = as_steward.get(
        reverse("console:invocation_access", args=[Invocation.objects.get().pk])
    ).text
    record = of_record(as_steward, kind="action")

    for text in (panel, record):
        for href in (grant, permission, request, kept.item):
            assert href.get_absolute_url() in text
        assert given.reason in text
        assert f"approved by {approver} in" in " ".join(text.split())


def test_the_story_leads_from_each_action_and_call_to_what_allowed_it(as_steward, binding):
    invocation = ran(binding, api(at=NOW + 2, request_id="REQ1"))
    access = reverse("console:invocation_access", args=[invocation.pk])

    story = as_steward.get(invocation.get_absolute_url()).text

    htmx = {"HX-Request": "true", "HX-Target": "invocation-access"}
    beside = as_steward.get(access, headers=htmx).text
    # What the call proves stands beside it.
    deeds = Event.objects.filter(kind__in=["action", "api"])
    assert len(deeds) == 2
    for one in deeds:
        assert f"{access}#record-{one.leaf_index}" in story
    places = re.findall(r'<div id="access-(\d+)"', story)
    assert sorted(places) == sorted(str(one.leaf_index) for one in deeds)
    assert sorted(re.findall(r'<div id="access-(\d+)" [^>]*hx-swap-oob', beside)) == sorted(places)
    waterfall = as_steward.get(f"{invocation.get_absolute_url()}?view=waterfall").text
    assert sorted(re.findall(r'<div id="access-(\d+)"', waterfall)) == sorted(places)


@pytest.fixture
def of_two(binding):
    """A run that another agent's deeds stand in, with calls proven of both, and one near it."""
    invocation = ran(
        binding,
        api(at=NOW + 2, request_id="REQ1"),
        api("s3:ListBuckets", NOW + 3),
        api("iam:CreateUser", NOW + 4, carried_by="header", correlation=TRACE),
    )
    other = BindingFactory(identity__system__kind="aws")
    known_for_long(other.identity)
    root = said("invocation", "helper", NOW + 5, 9, span_id="e" * 16, parent_id="a" * 16)
    deed = said("call", "s3:Put", NOW + 6, parent_id="e" * 16, request_id="REQ9")
    keep(root, deed, whose=Whose(agent_id=other.agent_id, agent=other.agent.name))
    keep(api("s3:Put", NOW + 6, request_id="REQ9"), whose=whose(other.identity))
    return invocation


@pytest.mark.parametrize("view", ["", "?view=waterfall"])
def test_the_panel_writes_only_where_its_page_has_a_place(as_steward, of_two, view):
    access = reverse("console:invocation_access", args=[of_two.pk])

    page = as_steward.get(f"{of_two.get_absolute_url()}{view}").text
    htmx = {"HX-Request": "true", "HX-Target": "invocation-access"}
    beside = as_steward.get(access, headers=htmx).text

    places = re.findall(r'<div id="access-(\d+)"', page)
    written = re.findall(r'<div id="access-(\d+)" [^>]*hx-swap-oob', beside)
    assert len(places) == len(set(places))
    assert sorted(written) == sorted(places)


def test_a_call_is_judged_and_what_it_proves_by_it(as_steward, binding):
    grant = held(binding.identity, "s3:Get*", service="s3")
    invocation = ran(binding, api(at=NOW + 2, request_id="REQ1", target="a-bucket"))

    told = lines(as_steward, invocation)

    assert f"Allowed by read {grant.label}" in told["s3:GetObject"]
    assert grant.get_absolute_url() in of_record(as_steward, kind="call")
    assert grant.get_absolute_url() in of_record(as_steward, kind="api")


def test_a_grant_that_ended_since_allowed_it_then(as_steward, binding):
    grant = ended(binding.identity, "s3:Get*", ago=timedelta(minutes=10))
    invocation = ran(binding, api(at=NOW + 2, request_id="REQ1"))

    page = as_steward.get(reverse("console:invocation_access", args=[invocation.pk]))

    assert [one.reason.grant for one in page.context["access"].used] == [grant]
    assert page.context["access"].uncovered == []
    assert "ended on" in page.text
    assert (
        f"Allowed then by read {grant.label}, ended on"
        in lines(as_steward, invocation)["s3:GetObject"]
    )


def test_a_grant_that_was_over_by_then_covers_nothing(as_steward, binding):
    ended(binding.identity, "s3:Get*", ago=timedelta(hours=2))
    invocation = ran(binding, api(at=NOW + 2, request_id="REQ1"))

    assert "No grant covers it" in lines(as_steward, invocation)["s3:GetObject"]


def test_a_binding_that_ended_since_tells_as_whom_it_was_done(as_steward, binding, permission):
    grant = held(binding.identity, REFUND, level="write", service="refunds")
    binding.ended_at = timezone.now()
    binding.save()
    invocation = ran(binding)

    assert f"Allowed by write {grant.label}" in lines(as_steward, invocation)[REFUND]


def test_what_cannot_be_told_says_so(as_steward, binding, permission):
    held(binding.identity, "s3:Get*", service="s3")
    invocation = ran(binding, action="handle_refund")

    told = lines(as_steward, invocation)

    assert (
        "What allowed it cannot be told: no permission that is known here has its name"
        in (told["handle_refund"])
    )


def test_a_grant_of_which_the_content_changed_since_is_not_held_against_the_agent(
    as_steward, binding
):
    grant = held(binding.identity, "s3:Put*", service="s3")
    grant.content_changed_at = timezone.now()
    grant.save()
    invocation = ran(binding, api(at=NOW + 2, request_id="REQ1"))

    assert "what it allowed then is not kept" in lines(as_steward, invocation)["s3:GetObject"]


def test_a_told_action_that_no_grant_covers_says_so(as_steward, binding, permission):
    held(binding.identity, "s3:Get*", service="s3")
    invocation = ran(binding)

    told = lines(as_steward, invocation)

    assert "No grant covers it" in told[REFUND]
    assert permission.key in told[REFUND]


def test_a_grant_outside_of_a_seat_is_counted_and_not_named(client, binding, permission):
    grant = held(binding.identity, REFUND, level="write", service="refunds")
    other = BindingFactory(agent=binding.agent, identity__system=SystemFactory())
    seat = SeatFactory(limited_to_systems=True)
    seat.seat_systems.create(system=other.identity.system)
    invocation = ran(binding)
    sign_in(client, seat.user)

    text = client.get(reverse("console:invocation_access", args=[invocation.pk])).text

    assert "1 grant that you may not see allowed it" in " ".join(text.split())
    assert grant.label not in text


def test_a_proof_outside_of_a_seat_is_not_said_to_be_none(client, as_steward, binding):
    """Neither by the page, nor by its panel, nor by the record's own."""
    held(binding.identity, "s3:Get*", service="s3")
    other = BindingFactory(agent=binding.agent, identity__system=SystemFactory())
    seat = SeatFactory(limited_to_systems=True)
    seat.seat_systems.create(system=other.identity.system)
    told = shifted(run(), NOW)
    told[3].name = "fetch"
    keep(*told, whose=Whose(agent_id=binding.agent_id, agent=binding.agent.name))
    keep(api(at=NOW + 2, request_id="REQ1"), whose=whose(binding.identity))
    invocation = Invocation.objects.get()
    assert "outside of what you may see" not in lines(as_steward, invocation)["fetch"]
    sign_in(client, seat.user)

    of_it = lines(client, invocation)
    page = client.get(reverse("console:invocation_access", args=[invocation.pk])).text

    proof = "the system's record that proves it lies outside of what you may see"
    assert proof in of_it["fetch"].replace("&#x27;", "'")
    assert proof in of_record(client, name="fetch").replace("&#x27;", "'")
    assert "1 call that is proven to be of this run lies outside" in " ".join(page.split())
    assert "No call that a system recorded is proven" not in page
    assert "no system&#x27;s record proves it" in of_record(client, kind="action")


def test_what_it_costs_does_not_grow_with_the_run(
    client, binding, permission, django_assert_num_queries, django_assert_max_num_queries
):
    held(binding.identity, REFUND, level="write", service="refunds")
    held(binding.identity, "s3:Get*", service="s3")
    invocation = ran(binding, api(at=NOW + 2, request_id="REQ1"))
    address = reverse("console:invocation_access", args=[invocation.pk])
    sign_in(client, UserFactory(steward=True))
    client.get(address)
    with django_assert_max_num_queries(30) as before:
        client.get(address)
    agent = Whose(agent_id=binding.agent_id, agent=binding.agent.name)
    keep(
        *(
            said("call", f"s3:Get{n}", NOW + 3, parent_id="a" * 16, request_id=f"R{n}")
            for n in range(30)
        ),
        whose=agent,
    )
    keep(
        *(api(f"s3:Get{n}", NOW + 3, request_id=f"R{n}", target=f"t{n}") for n in range(30)),
        whose=whose(binding.identity),
    )

    with django_assert_num_queries(len(before)):
        page = client.get(address)
    assert len(page.context["access"].records) == 63
