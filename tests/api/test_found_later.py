"""Whose a record is may be known long after it came: then all that rests on it is as if it had been
known at once."""

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from django.core.management import call_command
from django.db import connection

from apps.activity.models import Event, EventRow, Invocation, Link, Nameless, UseHour
from apps.activity.querysets.measured import told_runs
from apps.activity.selectors.searching import rows_of
from apps.activity.services import naming, parting, projecting
from apps.core.actors import System
from tests.activity.runs import api
from tests.api.parts import START, TRACE, recorded, span, state, tell, tool
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db(transaction=True)

TALK = {"gen_ai__conversation__id": "talk-7", "gen_ai__agent__call__id": "call-7"}
STEP = span(2, "chat", within=1, at=1, **TALK)
ROOT = span(1, "invoke_agent", agent="Refunds", lasting=60)
INNER = span(5, "invoke_agent", within=4, agent="Triage", at=10, lasting=5)
SAID = {"gen_ai__input__messages": json.dumps([
    {"role": "user", "parts": [{"type": "text", "content": "Pay them"}]}
])}  # fmt: skip
PAYROLL = span(9, "invoke_agent", agent="Payroll", at=-9, lasting=900, **SAID)


def under(number, *spans):
    return [one | {"traceId": f"{number:032x}"} for one in spans]


def described(agent):
    run = Invocation.objects.get(agent_id=agent.pk)
    return run.name, run.conversation, run.run_key, bool(run.warnings)


@pytest.mark.parametrize("is_root_first", [False, True])
def test_what_describes_a_run_is_what_its_own_agent_told(collector, bindings, is_root_first):
    refunds, triage = (one.agent for one in bindings)
    bodies = [[INNER, STEP], [ROOT]]
    for spans in reversed(bodies) if is_root_first else bodies:
        tell(collector, *spans)

    assert described(refunds) == ("Refunds", "talk-7", "call-7", True)
    assert described(triage)[:3] == ("Triage", "", "")


def test_of_several_agents_all_is_the_same_in_whatever_order_their_spans_come(collector, bindings):
    spans = [STEP, INNER, ROOT, tool(7, "look-up", within=5, at=12)]
    for number, order in enumerate(list(permutations(spans))[::5]):
        for one in under(number + 1, *order):
            tell(collector, one)

    runs, *_ = state()
    assert len(runs) == 2 * 5
    assert len({str(one) for one in runs}) == 2


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_claims_a_name_that_may_not_be_used_is_a_run_of_no_agent(collector, bindings, order):
    refunds = bindings[0].agent
    bodies = [[PAYROLL], [ROOT], [STEP]]
    for at in order:
        tell(collector, *bodies[at])

    run = Invocation.objects.get(agent_id=refunds.pk)
    assert (run.name, run.root_span, run.claimed_agent) == ("Refunds", "1".zfill(16), "Refunds")
    assert (run.events, run.steps, run.conversation) == (2, 1, "talk-7")
    other = Invocation.objects.get(agent_id=None)
    assert (other.name, other.claimed_agent, other.events) == ("Payroll", "Payroll", 1)
    day = datetime.fromtimestamp(START, tz=UTC).replace(hour=0)
    looked, with_trigger, *_ = told_runs(refunds.pk, day, datetime.now(tz=UTC), 9)
    assert (looked, with_trigger) == (1, 0)


def test_what_names_nobody_goes_to_the_first_known_agent_though_it_came_before(collector, bindings):
    """Also where it was counted with what claims another name until then."""
    alone = span(30, "chat", within=31, at=3)
    sums = set()
    orders = [[alone, PAYROLL, ROOT, INNER], [PAYROLL, ROOT, alone, INNER],
              [ROOT, PAYROLL, INNER, alone], [PAYROLL, alone, ROOT, INNER]]  # fmt: skip
    for number, order in enumerate(orders):
        for one in under(number + 1, *order):
            tell(collector, one)
    for trace in set(Invocation.objects.values_list("trace_id", flat=True)):
        rows = Invocation.objects.filter(trace_id=trace)
        sums.add(str(sorted(rows.values_list("claimed_agent", "name", "events", "steps"))))

    assert sums == {str([("Payroll", "Payroll", 1, 0), ("Refunds", "Refunds", 2, 1),
                         ("Triage", "Triage", 1, 0)])}  # fmt: skip


def test_each_record_leads_to_the_run_that_it_counts_in(collector, bindings, company, client):
    tell(collector, PAYROLL, tool(31, "pay", within=9, agent="Payroll", at=2))
    tell(collector, tool(32, "odd", within=33, at=3))
    tell(collector, ROOT)
    tell(collector, INNER)
    nobodys, refunds = (
        Invocation.objects.get(agent_id=one) for one in (None, bindings[0].agent_id)
    )
    assert nobodys.pk < refunds.pk
    sign_in(client, company.steward)

    deeds = EventRow.objects.of_trail().deeds().with_run(System("test"))
    assert dict(deeds.values_list("name", "run_id")) == {"pay": nobodys.pk, "odd": refunds.pk}
    for name, run in (("pay", nobodys), ("odd", refunds)):
        record = client.get(Event.objects.get(name=name).get_absolute_url()).text
        assert f'href="{run.get_absolute_url()}"' in record
    found = rows_of(list(Event.objects.filter(name__in=["pay", "odd"])), System("test"))
    assert {one.event.name: one.run for one in found} == {"pay": nobodys, "odd": refunds}


def test_no_more_is_looked_at_at_once_however_many_ids_a_batch_touches(
    collector, bindings, monkeypatch
):
    monkeypatch.setattr(naming, "MOST_TOLD", 5)
    read, told = [], naming._told

    def reads(*args):
        found = told(*args)
        read.append(sum(map(len, found.values())))
        return found

    monkeypatch.setattr(naming, "_told", reads)
    for late in ([STEP, tool(3, "refund", within=2)], [ROOT]):
        spans = [one for number in range(1, 8) for one in under(number, *late)]
        tell(collector, *spans)

    assert max(read) <= 5
    runs = Invocation.objects.values_list("agent_id", "events", "steps", "actions")
    assert list(runs) == [(bindings[0].agent_id, 3, 1, 1)] * 7
    assert not Nameless.objects.filter(agent_id=None).exists()


def test_names_are_not_looked_for_where_only_an_agents_own_client_told(
    callers, collector, bindings, monkeypatch
):
    tell(collector, STEP)

    def fails(*args):
        raise AssertionError(args)

    monkeypatch.setattr(naming, "_told", fails)
    tell(callers[0], ROOT)

    assert Invocation.objects.get().events == 2


@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_a_body_that_is_read_in_pieces_counts_once(collector, bindings, monkeypatch, chunk):
    monkeypatch.setattr(projecting, "CHUNK", chunk)
    refunds, triage = bindings
    tell(collector, STEP, tool(20, "early", within=1))
    tell(collector, ROOT, INNER, *(tool(21 + at, "more", within=1, at=at) for at in range(4)))

    runs = Invocation.objects.values_list("agent_id", "events", "steps", "actions")
    assert set(runs) == {(refunds.agent_id, 7, 1, 5), (triage.agent_id, 1, 0, 0)}


@pytest.mark.parametrize("is_caller_first", [False, True])
def test_a_request_that_two_agents_name_is_of_the_one_that_acts_as_its_identity(
    callers, bindings, is_caller_first
):
    """Who calls another may log the id of the request that the other made."""
    named = {"aws__request_id": "REQ-7", "rpc__service": "S3", "rpc__method": "GetObject"}
    sides = [
        lambda: tell(callers[0], ROOT, span(40, "call", within=1, at=3, **named)),
        lambda: tell(callers[1], INNER, span(41, "call", within=5, at=12, **named)),
    ]
    recorded(bindings[1], api("s3:GetObject", at=12, request_id="REQ-7"))
    for side in sides if is_caller_first else sides[::-1]:
        side()

    link = Link.objects.get()
    assert (link.invocation.agent_id, link.confidence) == (bindings[1].agent_id, 5)
    assert UseHour.objects.get().agent_id == bindings[1].agent_id
    assert UseHour.objects.get().proven == 1


def test_what_claims_a_name_that_may_not_be_used_explains_no_call_of_a_known_agent(
    collector, bindings
):
    named = {"aws__request_id": "REQ-7", "rpc__service": "S3", "rpc__method": "GetObject"}
    tell(collector, ROOT)
    tell(collector, span(40, "call", within=9, at=3, agent="Payroll", **named), PAYROLL)
    recorded(bindings[0], api("s3:GetObject", at=3, request_id="REQ-7"))

    link = Link.objects.get(method="request-id")
    assert (link.invocation.agent_id, link.confidence) == (None, 0)
    assert UseHour.objects.get().proven == 0


def test_what_is_no_longer_proven_is_counted_again(collector, bindings):
    named = {"aws__request_id": "REQ-7", "rpc__service": "S3", "rpc__method": "GetObject"}
    tell(collector, INNER, span(40, "call", within=1, at=3, **named))
    recorded(bindings[1], api("s3:GetObject", at=3, request_id="REQ-7"))
    assert UseHour.objects.get().proven == 1

    tell(collector, ROOT)

    link = Link.objects.get(method="request-id")
    assert (link.invocation.agent_id, link.confidence) == (bindings[0].agent_id, 0)
    assert UseHour.objects.get().proven == 0


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_is_near_a_run_hangs_on_when_it_went_on_alone(collector, bindings, order):
    late = span(40, "chat", within=1, at=1000)
    sides = [
        lambda: tell(collector, INNER, late),
        lambda: tell(collector, ROOT),
        lambda: [recorded(one, api("s3:GetObject", at=1000)) for one in bindings],
    ]
    for at in order:
        sides[at]()

    near = Link.objects.values_list("invocation__agent_id", "confidence")
    assert list(near) == [(bindings[0].agent_id, 1)]
    assert dict(Invocation.objects.values_list("agent_id", "near")) == {
        bindings[0].agent_id: 1,
        bindings[1].agent_id: 0,
    }


@pytest.fixture
def both(callers, collector, bindings):
    """Two agents under one id, each by its own client; under another both by a collector."""
    tell(callers[0], ROOT, tool(3, "refund", within=1))
    tell(callers[1], INNER, tool(7, "look-up", within=5, at=12))
    tell(collector, *under(5, INNER, STEP, tool(3, "refund", within=2)))
    tell(collector, *under(5, ROOT))
    recorded(bindings[1], api("desk:Search", at=12, correlation=TRACE, carried_by="header"))
    return state()


def rebuilt():
    call_command("trail_rebuild")
    return state()


def test_what_was_noted_before_a_kill_is_found_by_rebuilding(both):
    Nameless.objects.update(agent_id=None)

    assert rebuilt() == both


def test_a_run_that_holds_a_late_span_alone_is_made_whole_by_rebuilding(both, bindings):
    """The projector starts before the rebuild does."""
    outer, inner = bindings
    runs = Invocation.objects.filter(trace_id=TRACE)
    its = Link.objects.filter(invocation__in=runs)
    its.update(invocation=runs.get(agent_id=outer.agent_id))
    runs.filter(agent_id=inner.agent_id).update(events=1, actions=0, name="", root_span="")
    runs.filter(agent_id=outer.agent_id).update(
        warnings=["another agent told records under this id"], conversation="theirs"
    )

    assert rebuilt() == both


def test_a_rebuild_that_is_killed_anywhere_is_made_good_by_the_next(both, monkeypatch):
    Nameless.objects.all().delete()
    Invocation.objects.update(events=9, actions=9)
    names_find_in = parting.names_find_in

    class Killed(Exception):
        pass

    def dies(*args):
        names_find_in(*args)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(parting, "names_find_in", dies)
        with pytest.raises(Killed):
            call_command("trail_rebuild")

    assert rebuilt() == both


def test_looking_for_what_to_rebuild_holds_no_projector_up(both, monkeypatch):
    asked = parting._asked

    def looks(*args):
        assert not connection.in_atomic_block
        return asked(*args)

    monkeypatch.setattr(parting, "_asked", looks)

    assert rebuilt() == both


def test_rebuilding_looks_at_a_handful_of_records_at_a_time(both, monkeypatch):
    monkeypatch.setattr(naming, "MOST_TOLD", 4)
    monkeypatch.setattr(parting, "LOOKED_AT", 3)
    Nameless.objects.all().delete()
    Invocation.objects.update(events=9, actions=9)

    assert rebuilt() == both


def test_an_id_of_which_a_part_is_in_the_archive_stays_as_it_is(both, monkeypatch):
    """Its runs tell of it: what is here looks whole."""
    came = Invocation.objects.first().first_recorded
    Invocation.objects.update(events=9, first_recorded=came - timedelta(days=100))
    kept_since = came - timedelta(days=1)
    monkeypatch.setattr("apps.activity.models.Archive.objects.kept_since", lambda: kept_since)

    rebuilt()

    assert set(Invocation.objects.values_list("events", flat=True)) == {9}
