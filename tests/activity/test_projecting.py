"""Runs summed up and joined to what systems recorded, in whatever order both arrive."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from apps.activity.headers import Whose
from apps.activity.models import Cursor, Event, Invocation, Link
from apps.activity.services.hours import bindings_heed
from apps.activity.services.projecting import events_project
from apps.activity.states import Method
from apps.inventory.models import Binding
from tests.activity.runs import TRACE, api, keep, run
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
