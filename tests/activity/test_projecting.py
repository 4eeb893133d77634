"""Runs summed up and joined to what systems recorded, in whatever order both arrive."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from apps.activity.headers import Whose
from apps.activity.models import Cursor, Event, EventRow, Invocation, Link, UseHour
from apps.activity.selectors.stories import story_of
from apps.activity.services.hours import bindings_heed, hours_count
from apps.activity.services.linking import SKEW, _near
from apps.activity.services.projecting import events_project
from apps.activity.states import Method
from apps.core.actors import System
from apps.inventory.models import Binding
from tests.activity.runs import TRACE, api, keep, run, said
from tests.factories.inventory import AgentFactory, BindingFactory, CredentialFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(db):
    return AgentFactory()


@pytest.fixture
def of_agent(agent):
    return Whose(agent_id=agent.pk, agent=agent.name)


@pytest.fixture
def as_identity(agent):
    binding = BindingFactory(agent=agent)
    return Whose(identity_id=binding.identity_id, system_id=binding.identity.system_id)


def test_a_run_is_summed_up_the_same_in_whatever_order_its_records_come(of_agent):
    for number, order in enumerate(permutations(range(4))):
        told = run(f"{number:032x}")
        for one in order:
            keep(told[one], whose=of_agent)

    sums = Invocation.objects.values_list(
        "name",
        "outcome",
        "conversation",
        "agent_id",
        "events",
        "steps",
        "actions",
        "calls",
        "errors",
    )
    assert set(sums) == {("refunds", "ok", "c", of_agent.agent_id, 4, 1, 1, 1, 1)}
    assert {one.ended_at - one.started_at for one in Invocation.objects.all()} == {
        timedelta(seconds=60)
    }


def test_reading_again_from_the_beginning_is_not_done_by_itself(of_agent):
    keep(*run(), whose=of_agent)

    assert events_project() == 0
    assert Invocation.objects.get().events == 4
    assert Cursor.objects.get().leaf == Event.objects.count()


@pytest.mark.parametrize("is_agent_first", [True, False])
@pytest.mark.parametrize(
    ("call", "method", "confidence"),
    [
        (api(request_id="REQ1"), Method.REQUEST_ID, 5),
        (api(correlation=TRACE, carried_by="header"), Method.CARRIED_ID, 4),
        (api(correlation=TRACE, carried_by="session"), Method.SESSION, 3),
        (api(at=10), Method.PRINCIPAL_WINDOW, 1),
    ],
)
def test_a_call_is_joined_by_the_best_there_is(  # noqa: PLR0917
    of_agent, as_identity, is_agent_first, call, method, confidence
):
    sides = [(run(), of_agent), ([call], as_identity)]
    for readings, whose in sides if is_agent_first else reversed(sides):
        keep(*readings, whose=whose)

    link, joined = Link.objects.get(), Invocation.objects.get()
    assert (link.method, link.confidence) == (method, confidence)
    assert (joined.proven, joined.near) == ((1, 0) if confidence >= 3 else (0, 1))
    if method == Method.REQUEST_ID:
        assert Event.objects.get(leaf_index=link.action_leaf).name == "s3:GetObject"


def test_a_call_long_after_the_run_is_not_near_it(of_agent, as_identity):
    keep(*run(), whose=of_agent)
    keep(api(at=60 + 121), whose=as_identity)

    assert not Link.objects.exists()


def test_what_was_near_becomes_proven_when_its_proof_arrives(of_agent, as_identity):
    told = run()
    keep(told[0], whose=of_agent)
    keep(api(request_id="REQ1"), whose=as_identity)
    assert Link.objects.get().confidence == 1

    keep(told[3], whose=of_agent)

    assert Link.objects.get().confidence == 5
    assert (Invocation.objects.get().proven, Invocation.objects.get().near) == (1, 0)


def test_a_strangers_call_is_joined_to_nobody(of_agent):
    keep(*run(), whose=of_agent)
    keep(api(at=10), whose=Whose(identity_id=BindingFactory().identity_id))

    assert not Link.objects.exists()


def test_a_run_whose_agent_does_not_act_as_the_identity_proves_nothing_of_its_calls(
    of_agent, as_identity
):
    """Ids are reused, and an id that is carried along may be anybody's."""
    other = AgentFactory()
    of_other = Whose(agent_id=other.pk, agent=other.name)
    keep(*run(), whose=of_other)
    keep(api(request_id="REQ1"), api(correlation=TRACE, carried_by="header"), whose=as_identity)

    assert set(Link.objects.values_list("method", "confidence")) == {
        (Method.REQUEST_ID, 0),
        (Method.CARRIED_ID, 0),
    }
    assert (Invocation.objects.get().proven, Invocation.objects.get().near) == (0, 2)
    assert "does not act as this identity" in Link.objects.first().said

    BindingFactory(agent=other, identity_id=as_identity.identity_id)
    bindings_heed()

    assert set(Link.objects.values_list("method", "confidence")) == {
        (Method.REQUEST_ID, 5),
        (Method.CARRIED_ID, 4),
    }
    assert (Invocation.objects.get().proven, Invocation.objects.get().near) == (2, 0)


def test_of_an_identity_that_nobody_was_bound_to_a_run_proves_its_calls(of_agent, as_identity):
    Binding.objects.update(ended_at=datetime(2020, 1, 1, tzinfo=UTC))
    keep(*run(), whose=of_agent)
    keep(api(request_id="REQ1"), whose=as_identity)
    assert Link.objects.get().confidence == 5

    BindingFactory(identity_id=as_identity.identity_id)
    bindings_heed()

    assert Link.objects.get().confidence == 0


@pytest.mark.parametrize("is_proof_first", [True, False])
def test_the_same_credential_is_one_that_signed_a_call_proven_of_the_run(
    of_agent, as_identity, is_proof_first
):
    key = CredentialFactory(identity_id=as_identity.identity_id)
    other = CredentialFactory(identity_id=as_identity.identity_id)
    with_key, with_other = (replace(as_identity, credential_id=one.pk) for one in (key, other))
    proof = ([api(request_id="REQ1")], with_key)
    near = [([api(at=10)], with_key), ([api(at=11)], with_other), ([api(at=12)], as_identity)]
    keep(*run(), whose=of_agent)
    for readings, whose in [proof, *near] if is_proof_first else [*near, proof]:
        keep(*readings, whose=whose)

    calls = {one.leaf_index: one.credential_id for one in Event.objects.filter(kind="api")}
    assert sorted(
        (calls[one.call_leaf] or 0, one.method, one.confidence)
        for one in Link.objects.filter(confidence__lt=3)
    ) == [
        (0, Method.PRINCIPAL_WINDOW, 1),
        (key.pk, Method.CREDENTIAL_WINDOW, 2),
        (other.pk, Method.PRINCIPAL_WINDOW, 1),
    ]


def test_a_request_id_that_is_the_runs_own_names_no_one_request(of_agent, as_identity):
    """Kubernetes takes the run's id as the audit id of every request that an agent sends."""
    told = run()
    told[3].request_id = TRACE
    keep(*told, whose=of_agent)
    carried = {"request_id": TRACE, "correlation": TRACE, "carried_by": "header"}
    keep(api("pods:get", at=2, **carried), api("pods:delete", at=3, **carried), whose=as_identity)

    assert set(Link.objects.values_list("method", flat=True)) == {Method.CARRIED_ID}


@pytest.fixture
def of_another(db):
    binding = BindingFactory(identity__system__kind="aws")
    return (
        Whose(agent_id=binding.agent_id, agent=binding.agent.name),
        Whose(identity_id=binding.identity_id, system_id=binding.identity.system_id),
    )


def test_what_another_agent_tells_under_the_same_id_does_not_change_the_run(of_agent, of_another):
    keep(*run(), whose=of_agent)
    keep(
        said("invocation", "mine now", at=900, span_id="e" * 16, outcome="failed"),
        said("action", "refund", at=901, claimed_agent="somebody"),
        whose=of_another[0],
    )

    told = Invocation.objects.get(agent_id=of_agent.agent_id)
    assert (told.name, told.outcome, told.events) == ("refunds", "ok", 4)
    assert (told.claimed_agent, told.actions, told.errors) == ("", 1, 1)
    assert told.ended_at - told.started_at == timedelta(seconds=60)
    assert told.warnings == []
    other = Invocation.objects.get(agent_id=of_another[0].agent_id)
    assert (other.name, other.outcome, other.events, other.actions) == ("mine now", "failed", 2, 1)
    assert (other.claimed_agent, other.trace_id) == ("somebody", told.trace_id)


@pytest.mark.parametrize("is_call_first", [True, False])
def test_under_one_id_a_call_is_of_the_agent_that_told_of_it(
    of_agent, as_identity, of_another, is_call_first
):
    keep(*run(), whose=of_agent)
    deed = said("action", "pay", at=4, outcome="ok")
    carried = {"correlation": TRACE, "carried_by": "header"}
    call, lone = api("pay:Send", at=4, **carried), api("pay:List", at=500, **carried)
    sides = [([call, lone], of_another[1]), ([deed], of_another[0])]
    for readings, whose in sides if is_call_first else reversed(sides):
        keep(*readings, whose=whose)
    hours_count()

    names = dict(Event.objects.values_list("leaf_index", "name"))
    assert {
        names[one.call_leaf]: (one.confidence, names.get(one.action_leaf))
        for one in Link.objects.exclude(confidence=1)
    } == {"pay:Send": (4, "pay"), "pay:List": (4, None)}
    mine, others = of_agent.agent_id, of_another[0].agent_id
    assert dict(Invocation.objects.values_list("agent_id", "proven")) == {mine: 0, others: 2}
    assert set(UseHour.objects.values_list("name", "agent_id", "proven")) == {
        ("pay:Send", others, 1),
        ("pay:List", others, 0),
    }
    calls = EventRow.objects.of_trail().calls()
    assert [calls.calls_of_agent(one).count() for one in (mine, others)] == [0, 2]


def test_a_run_within_what_is_outside_of_the_trail_is_told_by_its_topmost(of_agent):
    """A parent may be a server's span, or the one that Countersign gave out."""
    outside, top, inner = "f" * 16, "a" * 16, "b" * 16
    for number, order in enumerate(permutations(range(3))):
        trace = f"{number:032x}"
        told = [
            said("invocation", "refunds", 0, 60, trace, span_id=top, parent_id=outside),
            said("invocation", "helper", 0, 30, trace, span_id=inner, parent_id=top),
            said("invocation", "helper's", 5, 60, trace, span_id="c" * 16, parent_id=inner),
        ]
        for one in order:
            keep(told[one], whose=of_agent)

    assert set(Invocation.objects.values_list("name", "root_span")) == {("refunds", top)}
    assert story_of(Invocation.objects.first(), System("test")).missing_parents == 0


def test_calls_are_near_all_runs_that_went_on_then_and_no_others():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    spans = [(0, 9000), *((at, at + at % 7 * 60) for at in range(0, 9000, 250))]
    runs = [
        Invocation(
            pk=number,
            agent_id=number % 2,
            started_at=start + timedelta(seconds=began),
            ended_at=start + timedelta(seconds=ended),
        )
        for number, (began, ended) in enumerate(spans)
    ]
    calls = [
        Event(leaf_index=at, identity_id=at % 3, happened_at=start + timedelta(seconds=at))
        for at in range(9500, 0, -37)
    ]

    found = _near(calls, runs, [(0, 0), (1, 1), (0, 2)])

    acts_as = {(0, 0), (1, 1), (0, 2)}
    assert sorted((one.call_leaf, one.invocation_id) for one in found) == sorted(
        (call.leaf_index, run.pk)
        for call in calls
        for run in runs
        if (run.agent_id, call.identity_id) in acts_as
        and run.started_at - SKEW <= call.happened_at <= run.ended_at + SKEW
    )
