"""A manager of one team and an auditor limited to systems: what the trail's pages keep from them.

An identity that two teams share, and an agent that acts on two systems.
"""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.models import Event, Invocation
from apps.activity.services.drifting import drift_measure
from apps.activity.services.hours import hours_count
from apps.activity.services.measuring import use_measure
from tests.activity.runs import NOW, OTHER, api, keep, run, said, shifted
from tests.activity.test_drifting import does, needs, tells
from tests.factories.accounts import SeatFactory
from tests.factories.inventory import BindingFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine():
    return BindingFactory(identity__system__name="Nearby")


@pytest.fixture
def theirs(mine):
    """An agent of other people that acts as the same identity."""
    return BindingFactory(agent__name="hush-agent", identity=mine.identity)


@pytest.fixture
def far(mine):
    """What my agent acts as on another system."""
    return BindingFactory(
        agent=mine.agent, identity__name="remote-id", identity__system__name="Remotely"
    )


@pytest.fixture(autouse=True)
def told(mine, theirs, far):
    hushed = shifted(run(), NOW)
    hushed[0].name = "hush-run"
    keep(*hushed, whose=Whose(agent_id=theirs.agent_id, agent=theirs.agent.name))
    known = shifted(run(OTHER), NOW)
    known[2].request_id = known[3].request_id = "REQ2"
    keep(*known, whose=Whose(agent_id=mine.agent_id, agent=mine.agent.name))
    keep(api(at=NOW + 1, request_id="REQ1"), whose=recorded(mine.identity))
    keep(api("remote:call", NOW + 1, request_id="REQ2"), whose=recorded(far.identity))
    hours_count()
    use_measure()


def recorded(identity):
    return Whose(
        identity_id=identity.pk,
        identity=identity.name,
        system_id=identity.system_id,
        system=identity.system.name,
    )


def addresses(mine, theirs):
    lists = [
        reverse(f"activity:{name}", query=query)
        for name, query in (
            ("invocation_list", {}),
            ("call_list", {"identity": mine.identity_id}),
            ("call_list", {"agent": mine.agent_id}),
            ("call_list", {"agent": theirs.agent_id}),
            ("deed_list", {"agent": mine.agent_id}),
            ("search", {"q": ""}),
            ("reconstruction_list", {}),
        )
    ]
    files = [f"{one}{'&' if '?' in one else '?'}export=csv" for one in lists]
    ours = [
        reverse(f"activity:{name}", args=[mine.agent_id])
        for name in ("agent_activity", "agent_explained", "agent_standing", "reconstruction_detail")
    ]
    search = reverse("activity:search")
    runs = Invocation.objects.all()
    return [
        *lists,
        *files,
        *ours,
        f"{search}?export=jsonl",
        f"{search}?live=1",
        *(one.get_absolute_url() for one in runs),
        *(reverse("console:invocation_access", args=[one.pk]) for one in runs),
        *(reverse("activity:record_detail", args=[one.leaf_index]) for one in Event.objects.all()),
    ]


def read(client, address):
    response = client.get(address)
    return response.getvalue().decode()


def test_a_manager_reads_nothing_of_another_teams_runs(client, mine, theirs):
    sign_in(client, mine.agent.owner)

    for address in addresses(mine, theirs):
        assert "hush" not in read(client, address), address


def test_a_trace_that_two_teams_share_shows_each_its_own_records(client, mine, theirs):
    """Their agent acts within my run, and I see the call that it made as our common identity."""
    told = said(
        "action", "hush-act", NOW + 3, trace=OTHER, span_id="d" * 16, parent_id="a" * 16,
        target="hush-target", request_id="REQ3",
    )  # fmt: skip
    within = said("step", "mine", NOW + 4, trace=OTHER, span_id="e" * 16, parent_id="d" * 16)
    keep(told, whose=Whose(agent_id=theirs.agent_id, agent=theirs.agent.name))
    keep(within, whose=Whose(agent_id=mine.agent_id, agent=mine.agent.name))
    keep(api("s3:ListBuckets", NOW + 3, request_id="REQ3"), whose=recorded(mine.identity))
    run_of_mine = Invocation.objects.get(trace_id=OTHER, agent_id=mine.agent_id)
    sign_in(client, mine.agent.owner)

    pages = [
        read(client, f"{run_of_mine.get_absolute_url()}{view}") for view in ("", "?view=waterfall")
    ]

    for text in pages:
        assert "hush" not in text
        assert "1 record of agents or times outside of what you may see is not shown" in text
    assert "Said in a record that you may not see" in pages[0]
    assert "Nothing said by the agent" not in pages[0]
    # The fourth record of the sample run names a parent that never came.
    assert "1 record that others name as their parent is not here" in pages[0]


def test_a_shared_identitys_call_says_that_a_run_claims_it_but_not_which(client, mine):
    sign_in(client, mine.agent.owner)

    text = read(client, reverse("activity:call_list", query={"identity": mine.identity_id}))

    assert "Same request id" in text
    assert "one that you may not open" in text


def test_which_calls_are_another_teams_agents_is_not_told(client, mine, theirs):
    sign_in(client, mine.agent.owner)
    asked = {"agent": theirs.agent_id, "identity": mine.identity_id}

    response = client.get(reverse("activity:call_list", query=asked))

    assert response.context["listing"].count.value == 0


def test_an_auditor_of_one_system_reads_nothing_of_another(client, mine, theirs):
    seat = SeatFactory(limited_to_systems=True)
    seat.seat_systems.create(system=mine.identity.system)
    sign_in(client, seat.user)
    hidden = Event.objects.get(name="remote:call").leaf_index
    words = ("remote", "Remote", reverse("activity:record_detail", args=[hidden]))

    for address in addresses(mine, theirs):
        if address == words[2]:
            continue
        text = read(client, address)
        assert not [one for one in words if one in text], address
    action = Event.objects.get(kind="action", trace_id=OTHER).leaf_index
    record = read(client, reverse("activity:record_detail", args=[action]))
    assert "1 that you may not see" in record
    explained = read(client, reverse("activity:agent_explained", args=[mine.agent_id]))
    assert "1 system outside of your seat is not shown" in explained


def test_an_auditor_of_a_period_reads_no_figures_of_another_time(client, mine):
    seat = SeatFactory(period_from="2020-01-01", period_until="2020-12-31")
    sign_in(client, seat.user)

    activity = client.get(reverse("activity:agent_activity", args=[mine.agent_id]))
    explained = client.get(reverse("activity:agent_explained", args=[mine.agent_id]))

    assert [strip.total for strip in activity.context["activity"].strips] == [0]
    assert explained.context["coverage"].groups == []


def test_an_auditor_of_a_period_reads_of_drift_what_is_of_that_time(client, mine):
    needs(mine)
    does(mine, "customers:Update", 4, ago=3)
    does(mine, "customers:Update", 7, ago=40)
    does(mine, "customers:Delete", 2, ago=3)
    tells(mine, "post", ago=3)
    drift_measure(moment=timezone.now())
    day = timezone.localdate() - timedelta(days=40)
    around = {"period_from": day - timedelta(days=1), "period_until": day + timedelta(days=1)}
    sign_in(client, SeatFactory(**around).user)

    response = client.get(reverse("activity:agent_standing", args=[mine.agent_id]))

    standing = response.context["standing"]
    assert [(one.call.name, one.call.calls) for one in standing.outside] == [
        ("customers:Update", 7)
    ]
    assert (standing.told, standing.nowhere) == ([], 0)
