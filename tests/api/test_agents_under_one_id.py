"""Agents that call each other hand one trace on: each has its own run, figures, and calls in it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse

from apps.activity.models import Cursor, DeedHour, Event, Invocation, Link, Nameless, UseHour
from apps.activity.selectors.coverage import coverage_of
from apps.activity.selectors.reconstructing import check_of
from apps.activity.services import projecting
from apps.activity.services.hours import hours_count
from apps.activity.services.projecting import events_project
from apps.core.actors import System
from tests.activity.runs import api
from tests.api.parts import START, TRACE, recorded, span, state, tell, tool
from tests.factories.inventory import BindingFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db(transaction=True)

BEGAN = datetime.fromtimestamp(START, tz=UTC)
SAID = {"gen_ai__input__messages": json.dumps([
    {"role": "user", "parts": [{"type": "text", "content": "Which team?"}]}
])}  # fmt: skip
OUTER = [
    tool(2, "refund", within=1, at=2),
    tool(4, "ask-triage", within=1, at=9, lasting=9),
    span(1, "invoke_agent", agent="Refunds", lasting=60),
]
INNER = [
    tool(7, "look-up", within=5, at=12),
    span(5, "invoke_agent", within=4, agent="Triage", at=10, lasting=5, **SAID),
]
CARRIED = {"correlation": TRACE, "carried_by": "header"}


def of_both(bindings):
    return [Invocation.objects.get(agent_id=one.agent_id) for one in bindings]


@pytest.mark.parametrize("order", ["outer first", "inner first", "calls first"])
def test_what_each_did_counts_as_its_own(callers, bindings, order, client):
    outer, inner = bindings
    sides = [
        lambda: tell(callers[0], *OUTER),
        lambda: tell(callers[1], *INNER),
        lambda: recorded(
            inner,
            api("desk:Search", at=12, **CARRIED),
            api("desk:Delete", at=40, **CARRIED),
            api("desk:List", at=13),
        ),
    ]
    if order != "outer first":
        sides = [*sides[1:], sides[0]] if order == "inner first" else sides[::-1]
    for side in sides:
        side()

    first, second = of_both(bindings)
    assert (first.proven, first.near) == (0, 0)
    assert (second.proven, second.near) == (2, 1)
    assert sorted(UseHour.objects.values_list("agent_id", "name", "proven")) == [
        (inner.agent_id, "desk:Delete", 0),
        (inner.agent_id, "desk:List", 0),
        (inner.agent_id, "desk:Search", 1),
    ]
    confirmed = DeedHour.objects.values_list("agent_id", "name", "confirmed", "unconfirmed")
    assert sorted(confirmed) == sorted(
        [
            (outer.agent_id, "ask-triage", 0, 1),
            (outer.agent_id, "refund", 0, 1),
            (inner.agent_id, "look-up", 1, 0),
        ]
    )
    since, until = BEGAN - timedelta(days=1), BEGAN + timedelta(days=1)
    told = coverage_of(inner.agent, since, until, System("test"))
    assert [(one.calls, one.proven) for group in told.groups for one in group.lines] == [(3, 1)]
    checks = [check_of(one.agent, 2, until).figures for one in bindings]
    assert [(one.runs, one.looked_at, one.with_trigger) for one in checks] == [(1, 1, 0), (1, 1, 1)]
    assert [(one.deeds, one.confirmed) for one in checks] == [(2, 0), (1, 1)]
    sign_in(client, inner.agent.owner)
    page = client.get(second.get_absolute_url()).text
    assert "desk:Search" in page
    assert "Nothing said by the agent" in page


def test_its_activity_leads_to_the_run_in_which_it_took_part(callers, bindings, client):
    _, inner = bindings
    now = int(datetime.now(tz=UTC).timestamp()) - START - 3600
    tell(callers[0], *(shifted(one, now) for one in OUTER))
    tell(callers[1], *(shifted(one, now) for one in INNER))
    sign_in(client, inner.agent.owner)

    page = client.get(reverse("activity:agent_activity", args=[inner.agent_id])).text

    theirs, mine = of_both(bindings)
    assert f'href="{mine.get_absolute_url()}"' in page
    assert theirs.get_absolute_url() not in page


def shifted(told, seconds):
    return told | {
        key: str(int(told[key]) + seconds * 10**9)
        for key in ("startTimeUnixNano", "endTimeUnixNano")
    }


def test_on_anothers_page_a_call_stands_beside_what_told_of_it(company, callers, bindings, client):
    tell(callers[0], *OUTER)
    tell(callers[1], *INNER)
    recorded(bindings[1], api("desk:Search", at=12, **CARRIED))
    first, second = of_both(bindings)
    sign_in(client, company.steward)

    for run in (first, second):
        page = client.get(run.get_absolute_url()).text
        assert "desk:Search" in page
        assert "Nothing said by the agent" not in page
    record = client.get(Event.objects.get(name="look-up").get_absolute_url()).text
    assert f'href="{second.get_absolute_url()}"' in record


def test_a_call_of_a_run_that_the_reader_may_not_see_stands_with_no_other(
    callers, bindings, client, company
):
    """The first run under the same id is the reader's, and did not make it."""
    outer, inner = bindings
    BindingFactory(agent=outer.agent, identity=inner.identity)
    tell(callers[0], *OUTER)
    tell(callers[1], *INNER)
    recorded(inner, api("desk:Search", at=12, **CARRIED))
    second = of_both(bindings)[1]
    assert set(Link.objects.values_list("invocation", "confidence")) == {(second.pk, 4)}
    found = {}
    for who in (outer.agent.owner, company.steward):
        sign_in(client, who)
        page = client.get(reverse("activity:search"), {"q": "kind:api after:2020-01-01"})
        (row,) = page.context["found"].rows
        found[who] = (row.run, row.is_contested)

    assert found == {outer.agent.owner: (None, False), company.steward: (second, False)}


def test_a_projector_that_is_killed_midway_makes_the_same_once_it_runs_again(
    collector, bindings, monkeypatch
):
    """What it read and did not commit is read again; what came first makes no difference."""
    tell(collector, *INNER[:1], *OUTER[:2])
    recorded(bindings[1], api("desk:Search", at=12, **CARRIED))
    before = Cursor.objects.get(name="runs").leaf

    class Killed(Exception):
        pass

    def dies(*args):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(projecting, "hours_note", dies)
        with pytest.raises(Killed):
            tell(collector, INNER[1], OUTER[2])
    assert Cursor.objects.get(name="runs").leaf == before
    assert set(Nameless.objects.values_list("agent_id", flat=True)) == {None}

    events_project()
    hours_count()

    mine, others = of_both(bindings)
    assert (mine.actions, others.actions, others.proven) == (2, 1, 1)
    assert events_project() == 0


def test_what_came_when_one_id_was_one_run_is_told_apart_by_rebuilding(
    callers, collector, bindings
):
    tell(callers[0], *OUTER)
    tell(callers[1], *INNER)
    other = "5" * 32
    tell(collector, *(one | {"traceId": other} for one in (INNER[0], OUTER[0])))
    tell(collector, *(one | {"traceId": other} for one in (INNER[1], OUTER[2])))
    recorded(bindings[1], api("desk:Search", at=12, **CARRIED))
    wanted = state()
    first = Invocation.objects.get(trace_id=TRACE, agent_id=bindings[0].agent_id)
    Link.objects.filter(invocation__trace_id=TRACE).update(invocation=first)
    Nameless.objects.all().delete()
    Invocation.objects.exclude(pk=first.pk).filter(trace_id=TRACE).delete()
    Invocation.objects.filter(trace_id=other).update(actions=9, events=9)
    DeedHour.objects.all().delete()

    call_command("trail_rebuild")

    assert state() == wanted
    call_command("trail_rebuild")
    assert state() == wanted
