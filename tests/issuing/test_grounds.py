"""Why something issued must end before its time: each ground by itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core.actors import Person
from apps.grants.services.grants import grant_revoke, grant_suspend
from apps.inventory.services import (
    agent_retire,
    agent_suspend,
    binding_end,
    client_revoke,
    client_rotate,
)
from apps.issuing.models import Issuance
from apps.issuing.policies import can_end, can_issue
from apps.issuing.services.ending import issuances_reconcile
from apps.issuing.states import ISSUANCE_MOVES, IssuanceState
from apps.remediation.states import OrderState
from tests.factories.connectors import ConnectionFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import AgentClientFactory, AgentFactory, CredentialFactory
from tests.factories.issuing import IssuanceFactory
from tests.factories.remediation import OrderFactory
from tests.issuing.machines import machine

pytestmark = pytest.mark.django_db


@pytest.fixture
def issued(db):
    """A lease of a connection that is retired, so that ending it asks nobody."""
    one = IssuanceFactory(connection=ConnectionFactory(kind="vault", state="retired"))
    one.cuts.create(grant=GrantFactory(identity=one.identity, stream="aws"))
    return one


def why_over():
    return Issuance.objects.why_over(Issuance.objects.get().pk, timezone.now())


def grant_of(issued):
    return issued.cuts.get().grant


def change(record, **values):
    type(record).objects.filter(pk=record.pk).update(**values)


SAID = {"reason": "It is over."}
FALLS = {
    "The agent is stopped.": lambda one, by: agent_suspend(agent_id=one.agent.pk, actor=by, **SAID),
    "The client that asked for it is revoked.": lambda one, by: client_revoke(
        client_id=one.client.pk, actor=by, **SAID
    ),
    "The client that asked for it got a new secret.": lambda one, by: client_rotate(
        client_id=one.client.pk, actor=by, **SAID
    ),
    "The agent no longer acts as this identity.": lambda one, by: binding_end(
        binding_id=one.binding.pk, actor=by, **SAID
    ),
    "The identity is gone from its source.": lambda one, by: change(
        one.identity, gone_at=timezone.now()
    ),
    "A credential of this identity was killed.": lambda one, by: OrderFactory(
        kind="kill",
        grant=None,
        label="key",
        credential=CredentialFactory(identity=one.identity),
    ),
    "A grant that it was cut from is suspended.": lambda one, by: grant_suspend(
        grant_id=grant_of(one).pk, actor=by, **SAID
    ),
    "A grant that it was cut from is gone.": lambda one, by: change(
        grant_of(one), gone_at=timezone.now()
    ),
    "A grant that it was cut from has expired.": lambda one, by: change(
        grant_of(one), first_seen_at=timezone.now() - timedelta(days=1), expires_at=timezone.now()
    ),
    "A grant that it was cut from is ordered to be removed.": lambda one, by: OrderFactory(
        grant=grant_of(one)
    ),
    "A grant that it was cut from allows something else now.": lambda one, by: change(
        grant_of(one), content_sha256="1" * 64
    ),
}


@pytest.mark.parametrize("says", FALLS)
def test_when_a_ground_falls_it_must_end_and_says_why(issued, steward, system, says):
    assert why_over() == ""

    FALLS[says](issued, Person(steward))

    assert why_over() == says
    issuances_reconcile(actor=system)
    issued.refresh_from_db()
    assert (issued.state, issued.end_reason) == (IssuanceState.END_FAILED, says)


def test_a_grant_that_was_revoked_is_one(steward):
    issued = IssuanceFactory()
    issued.cuts.create(grant=GrantFactory(identity=issued.identity))

    grant_revoke(grant_id=grant_of(issued).pk, actor=Person(steward), **SAID)

    assert why_over() == "A grant that it was cut from has ended."


@pytest.mark.parametrize("state", [OrderState.ROLLED_BACK, OrderState.SCHEDULED])
def test_an_order_that_is_taken_back_or_held_ends_nothing(issued, state):
    OrderFactory(grant=grant_of(issued), state=state)

    assert why_over() == ""


def test_a_kill_before_it_was_issued_does_not_end_it(issued):
    OrderFactory(
        kind="kill",
        grant=None,
        label="key",
        credential=CredentialFactory(identity=issued.identity),
        decided_at=issued.asked_at - timedelta(minutes=1),
    )

    assert why_over() == ""


def test_what_others_lose_ends_nothing_here(issued, steward):
    grant_suspend(grant_id=GrantFactory(identity=issued.identity).pk, actor=Person(steward), **SAID)
    agent_retire(agent_id=AgentFactory(active=True).pk, actor=Person(steward), **SAID)

    assert why_over() == ""


def test_reconciling_twice_changes_nothing_more(issued, steward, system):
    agent_suspend(agent_id=issued.agent.pk, actor=Person(steward), **SAID)

    counts = [issuances_reconcile(actor=system) for _ in range(2)]

    assert counts[0] > 0
    assert counts[1] == 0


@pytest.mark.parametrize("now", IssuanceState)
def test_nothing_that_is_over_comes_back(now):
    over = now in {IssuanceState.ENDED, IssuanceState.EXPIRED, IssuanceState.REFUSED}

    assert ISSUANCE_MOVES.is_final(now) == over
    assert not ISSUANCE_MOVES.can(now, IssuanceState.ASKED)
    works_again = ISSUANCE_MOVES.can(now, IssuanceState.ACTIVE)
    assert works_again == (now == IssuanceState.ASKED)


def test_only_the_agent_itself_with_the_scope_is_issued_anything(steward):
    client = AgentClientFactory()
    other = AgentFactory(active=True)

    assert can_issue(machine(client), client.agent)
    assert not can_issue(machine(client, scopes=["requests:write"]), client.agent)
    assert not can_issue(machine(client), other)
    assert not can_issue(Person(steward), client.agent)


def test_who_may_end_it(issued, steward, reviewer, auditor):
    issued.agent.owner = reviewer

    assert can_end(Person(steward), issued)
    assert can_end(Person(reviewer), issued)
    assert can_end(machine(issued.client), issued)
    assert not can_end(Person(auditor), issued)
    assert not can_end(machine(AgentClientFactory()), issued)
    assert not can_end(machine(issued.client, scopes=["requests:read"]), issued)
