"""A run in several bodies is told the same as in one, in whatever order these come."""

import json
import time
from collections import Counter
from itertools import permutations

import pytest
from django.db import connection, transaction
from django.urls import reverse

from apps.activity.conventions.otlp import PROTOBUF, read_traces
from apps.activity.models import DeedHour, Event, Invocation, Nameless
from apps.activity.selectors.archived import subject_visible
from apps.activity.selectors.stories import story_of
from apps.activity.services.erasing import erasure_ask
from apps.activity.services.hours import hours_count
from apps.activity.services.projecting import events_project
from apps.core.actors import Person, System
from apps.inventory.states import APPEND_TRAIL
from tests.activity.data import body
from tests.activity.listing import listed
from tests.api.parts import START, TRACE, bodies_of, collects_for, span, tell, tool
from tests.api.test_ingest import post, send
from tests.factories.accounts import SeatFactory
from tests.factories.inventory import AgentFactory, BindingFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db(transaction=True)

# Its agent is named on the last span alone, as pydantic-ai does.
STEP, TOOL = span(2, "chat", within=1, at=1), tool(3, "refund", within=2, at=2)
ROOT = span(1, "invoke_agent", agent="Refunds", lasting=60)
# A sub-agent within a tool of the first, each named on its own last span.
INNER_STEP = span(6, "chat", within=5, at=11)
INNER_TOOL = tool(7, "look-up", within=6, at=12)
INNER = span(5, "invoke_agent", within=4, agent="Triage", at=10, lasting=5)
OUTER_TOOL = tool(4, "ask-triage", within=1, at=9, lasting=9)
BOTH = [STEP, TOOL, INNER_STEP, INNER_TOOL, INNER, OUTER_TOOL, ROOT]


@pytest.fixture
def agents(company):
    return [AgentFactory(name=name, team=company.agent.team) for name in ("Refunds", "Triage")]


@pytest.fixture
def collector(company, signed_up, agents):
    caller = signed_up(company, scopes=[APPEND_TRAIL])
    collects_for(caller, agents, company.steward)
    assert caller.sign_in().status_code == 200
    return caller


def deeds():
    return sorted(DeedHour.objects.values_list("agent_id", "name", "deeds"))


def sums():
    rows = Invocation.objects.values_list("agent_id", "events", "steps", "actions")
    return sorted(rows, key=lambda row: row[0] or 0)


@pytest.mark.parametrize("bodies", [[[STEP, TOOL], [ROOT]], [[ROOT], [STEP, TOOL]]])
def test_what_its_agent_is_named_for_in_another_body_is_that_agents(
    collector, agents, bodies, client
):
    refunds, _ = agents
    for spans in bodies:
        tell(collector, *spans)

    assert sums() == [(refunds.pk, 3, 1, 1)]
    assert deeds() == [(refunds.pk, "refund", 1)]
    deed = Event.objects.get(kind="action")
    # The record itself stays as it was sealed.
    assert deed.agent_id is None
    assert '"agent_id"' not in deed.header
    sign_in(client, refunds.owner)
    record = client.get(deed.get_absolute_url()).text
    assert "Known by its run" in record
    assert "Refunds" in record
    listed = client.get(
        reverse("activity:deed_list"), {"agent": refunds.pk, "since": "2023-01-01"}
    ).text
    assert "refund" in listed
    assert f'href="{refunds.get_absolute_url()}"' in listed
    found = client.get(reverse("activity:search"), {"q": "agent:Refunds after:2020-01-01"}).text
    assert deed.get_absolute_url() in found
    story = client.get(Invocation.objects.get().get_absolute_url()).text
    assert deed.get_absolute_url() in story
    assert "may not see" not in story


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("name", ["pydantic_ai", "langgraph_oi", "openai_agents_oi", "strands"])
def test_what_real_frameworks_send_is_the_same_span_by_span(
    company, signed_up, collector, is_reversed, name
):
    """Of whichever agent the body that comes whole is, by what the framework calls it."""
    whole = body(name)
    claimed = {one.claimed_agent for one in read_traces(whole, PROTOBUF).readings} - {""}
    listed = [AgentFactory(name=one) for one in sorted(claimed)]
    other = signed_up(company, scopes=[APPEND_TRAIL], agent=AgentFactory(name="Other"))
    for caller in (collector, other):
        collects_for(caller, listed, company.steward)
        assert caller.sign_in().status_code == 200
    send(post(other, content=whole))
    events_project()
    hours_count()
    wanted, counted = sums(), deeds()
    assert wanted
    Invocation.objects.all().delete()
    DeedHour.objects.all().delete()
    last = Event.objects.count()

    for part in bodies_of(whole, is_reversed=is_reversed):
        send(post(collector, content=part))
        events_project()
    hours_count()

    assert Event.objects.count() == 2 * last
    assert sums() == wanted
    # The records of the whole body are here too, and count in the same hours.
    assert deeds() == [(agent, done, 2 * count) for agent, done, count in counted]


def test_what_is_flagged_is_that_agents_also_where_its_run_began_before(collector, agents, client):
    """The run began years ago by its clock, and what it flagged came in now."""
    tell(collector, STEP | {"status": {"code": 2}}, TOOL)
    tell(collector, ROOT)
    sign_in(client, agents[0].owner)

    page = client.get(reverse("activity:agent_activity", args=[agents[0].pk]))

    assert page.context["activity"].runs == []
    assert [row.event.kind for row in page.context["activity"].flagged] == ["step"]


def test_around_an_agent_stands_what_is_known_by_its_run(collector, agents, client):
    now = int(time.time()) - START
    tell(collector, tool(2, "refund", within=1, at=now), tool(3, "ask", within=1, at=now - 86_400))
    tell(collector, span(1, "invoke_agent", agent="Refunds", at=now))
    sign_in(client, agents[0].owner)

    page = client.get(reverse("console:around", args=["inventory.agent", agents[0].pk]))

    assert {row.event.name for row in page.context["told"].rows} == {"refund", "Refunds"}


def test_an_erasure_is_of_the_agent_that_its_record_is_known_to_be_of(
    company, collector, agents, client
):
    """Whoever may see that agent reads of it, also where it was named in another body."""
    said = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Which?"}]}])
    tell(collector, span(2, "chat", within=1, gen_ai__input__messages=said))
    tell(collector, ROOT)
    steward, seat = Person(company.steward), SeatFactory(limited_to_systems=True)
    seat.seat_systems.create(system=BindingFactory(agent=agents[0]).identity.system)
    subject = subject_visible(Event.objects.get(kind="step").leaf_index, steward)
    assert "agent_id" not in subject.header["whose"]

    erasure_ask(subject=subject, basis="person", reason="They asked.", actor=steward)

    sign_in(client, seat.user)
    assert listed(client, reverse("activity:erasure_list")) == 1


def test_whose_a_record_is_is_looked_up_for_each_that_is_read(collector, agents):
    """Never all that was ever found of an agent, which may be most of what it told."""
    tell(collector, STEP, TOOL)
    tell(collector, ROOT)
    told = Event.objects.filter(Event.objects.of_agents([agents[0].pk]))

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = told.explain()

    assert told.count() == 3
    assert "activity_nameless_once" in plan
    assert "hashed" not in plan
    assert "InitPlan" not in plan


def test_strangers_see_nothing_of_what_is_known_by_its_run(collector, agents, client):
    tell(collector, STEP, TOOL)
    tell(collector, ROOT)
    sign_in(client, AgentFactory().owner)

    assert client.get(Event.objects.get(kind="action").get_absolute_url()).status_code == 404


@pytest.mark.parametrize("cut", range(1, len(BOTH)))
@pytest.mark.parametrize("is_late_first", [False, True])
def test_of_two_agents_each_has_its_own_wherever_bodies_are_cut(
    collector, agents, cut, is_late_first
):
    refunds, triage = agents
    bodies = [BOTH[:cut], BOTH[cut:]]
    for spans in reversed(bodies) if is_late_first else bodies:
        tell(collector, *spans)

    assert sums() == [(refunds.pk, 4, 1, 2), (triage.pk, 3, 1, 1)]
    assert deeds() == [
        (refunds.pk, "ask-triage", 1),
        (refunds.pk, "refund", 1),
        (triage.pk, "look-up", 1),
    ]


def test_one_span_at_a_time_in_any_order_is_the_same(collector, agents):
    refunds, triage = agents
    orders = list(permutations([STEP, INNER_TOOL, INNER_STEP, INNER, ROOT]))[::10]
    for number, order in enumerate(orders, 1):
        for one in order:
            tell(collector, one | {"traceId": f"{number:032x}"})

    assert Counter(sums()) == {
        (refunds.pk, 2, 1, 0): len(orders),
        (triage.pk, 3, 1, 1): len(orders),
    }
    assert deeds() == [(triage.pk, "look-up", len(orders))]


def test_what_claims_an_agent_that_is_not_listed_stays_unknown(collector, agents):
    """Also what lies in it; and it is no run of the only one that may be named."""
    tell(collector, STEP, TOOL)
    tell(collector, span(1, "invoke_agent", agent="Payroll"), span(9, "chat", agent="Refunds"))

    assert set(Nameless.objects.values_list("agent_id", flat=True)) == {None}
    assert not DeedHour.objects.exists()


def test_a_collector_says_nothing_of_what_another_delivered(company, signed_up, collector, agents):
    """Whose an agent's own records are is never overruled; nor is what another may not name."""
    own = signed_up(company, scopes=[APPEND_TRAIL], agent=agents[1])
    assert own.sign_in().status_code == 200
    other = signed_up(company, scopes=[APPEND_TRAIL], agent=AgentFactory(name="Other"))
    collects_for(other, [AgentFactory(name="Payroll")], company.steward)
    assert other.sign_in().status_code == 200
    tell(own, tool(20, "mine", within=1))
    tell(other, tool(21, "theirs", within=1))
    tell(collector, ROOT)

    assert dict(Event.objects.values_list("name", "agent_id")) == {
        "mine": agents[1].pk,
        "theirs": None,
        "Refunds": agents[0].pk,
    }
    assert deeds() == [(agents[1].pk, "mine", 1)]


@pytest.mark.parametrize("is_inner_first", [False, True])
def test_a_run_reported_twice_has_no_phantom_within_it(collector, agents, is_inner_first):
    outer = span(1, "invoke_agent", agent="Refunds", lasting=60)
    inner = span(2, "invoke_agent", within=1, agent="Refunds", lasting=59)
    agent = span(3, "invoke_agent", within=2, agent="Triage", lasting=9, at=1)
    sides = [[outer], [inner, agent]]
    for spans in reversed(sides) if is_inner_first else sides:
        tell(collector, *spans)

    run = Invocation.objects.get(agent_id=agents[0].pk)
    words = {one.event.span_id[-1]: one.word for one in story_of(run, System("test")).moments}
    assert words == {"1": "Told", "2": "Also said", "3": "Told"}
    assert run.root_span == "1".zfill(16)


@pytest.mark.parametrize("is_inner_first", [False, True])
def test_two_agents_own_clients_under_one_id_have_a_run_each(
    company, signed_up, agents, client, is_inner_first
):
    """One agent calls another, which runs as a service of its own, and hands the trace on."""
    refunds, triage = agents
    callers = {one.pk: signed_up(company, scopes=[APPEND_TRAIL], agent=one) for one in agents}
    for one in callers.values():
        assert one.sign_in().status_code == 200
    sides = [(refunds, [STEP, TOOL, OUTER_TOOL, ROOT]), (triage, [INNER_STEP, INNER_TOOL, INNER])]
    for agent, spans in reversed(sides) if is_inner_first else sides:
        tell(callers[agent.pk], *spans)

    assert sums() == [(refunds.pk, 4, 1, 2), (triage.pk, 3, 1, 1)]
    names = dict(Invocation.objects.values_list("agent_id", "name"))
    assert names == {refunds.pk: "Refunds", triage.pk: "Triage"}
    inner = Invocation.objects.get(agent_id=triage.pk)
    outer = Invocation.objects.get(agent_id=refunds.pk)
    sign_in(client, triage.owner)
    activity = client.get(reverse("activity:agent_activity", args=[triage.pk]), {"days": 90})
    assert activity.status_code == 200
    page = client.get(inner.get_absolute_url()).text
    assert "look-up" in page
    assert "ask-triage" not in page
    assert "4 records of agents or times outside of what you may see are not shown." in page
    assert client.get(outer.get_absolute_url()).status_code == 404
    sign_in(client, company.steward)
    page = client.get(outer.get_absolute_url()).text
    assert "Not of one agent alone." in page
    assert f'href="{inner.get_absolute_url()}"' in page
    assert page.count("by <b>Triage</b>") == 3
    assert "by <b>Refunds</b>" not in page
    assert client.get(inner.get_absolute_url()).text.count("by <b>Refunds</b>") == 4


def test_a_collectors_own_agent_is_found_by_its_run_too(company, signed_up):
    caller = signed_up(company, scopes=[APPEND_TRAIL])
    collects_for(caller, [AgentFactory(name="Refunds")], company.steward)
    assert caller.sign_in().status_code == 200
    tell(caller, STEP)
    tell(caller, span(1, "invoke_agent", agent=company.agent.name))

    assert sums() == [(company.agent.pk, 2, 1, 0)]
    assert Invocation.objects.get().trace == TRACE
