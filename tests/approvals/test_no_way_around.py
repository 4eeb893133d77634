"""No sequence of acts puts access in place unless every requirement was met by different people."""

from datetime import timedelta
from itertools import count

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.approvals.models import RequestRequirement
from apps.approvals.services.provisioning import request_provision
from apps.approvals.services.requests import request_cancel
from apps.approvals.services.routing import design_of
from apps.approvals.services.upkeep import (
    requests_fall_back,
    requests_follow_designs,
    requests_lapse,
)
from apps.approvals.services.votes import Terms
from apps.approvals.states import Choice, RequestState
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.grants.services.fingerprints import fingerprints_refresh
from apps.inventory.models import Agent
from tests.factories.accounts import UserFactory
from tests.factories.approvals import GroupMemberFactory, SecurityFactory
from tests.factories.grants import PermissionFactory
from tests.factories.inventory import CredentialFactory

# Each act is committed, as in life: one entry about one thing belongs to one transaction.
pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = (
    "owner",
    "technical",
    "maker",
    "manager",
    "system_owner",
    "security",
    "also_security",
    "steward",
    "stranger",
)
APPROVE, DENY, NARROW = "approve", "deny", "narrow"
VOTES = st.tuples(st.sampled_from([APPROVE, APPROVE, NARROW, DENY]), st.sampled_from(PEOPLE))
APPROVALS = st.tuples(st.just(APPROVE), st.sampled_from(["manager", "system_owner", "security"]))
OTHERS = st.tuples(
    st.sampled_from(
        ["provision", "provision", "provision", "fall back", "drift", "lapse", "cancel"]
    ),
    st.sampled_from(PEOPLE),
)
ACTS = st.lists(st.one_of(APPROVALS, APPROVALS, VOTES, OTHERS), min_size=1, max_size=12)
STRAIGHT = [
    (APPROVE, "manager"),
    (NARROW, "system_owner"),
    (APPROVE, "also_security"),
    ("provision", "steward"),
]
DRIFTED = [(APPROVE, "manager"), ("drift", "owner"), *STRAIGHT]
FELL_BACK = [("fall back", "owner"), (APPROVE, "steward"), *STRAIGHT[1:3], ("provision", "steward")]


@pytest.fixture
def play(company, policy, system):
    """Play acts on a new request; the state it came to. Benefiting people are in security too."""
    agent, security = company.agent, SecurityFactory()
    company.technical, company.stranger = UserFactory(), UserFactory()
    company.maker = CredentialFactory(identity=company.identity, made_by=UserFactory()).made_by
    company.also_security = UserFactory()
    Agent.objects.filter(pk=agent.pk).update(technical_owner=company.technical)
    for name in ("owner", "technical", "maker", "manager", "system_owner", "also_security"):
        GroupMemberFactory(group=security, person=getattr(company, name))
    fingerprints_refresh(agent_ids=[agent.pk], actor=system)
    numbers = count()

    def drift(request, person):
        Agent.objects.filter(pk=agent.pk).update(model=f"model-{next(numbers)}")
        fingerprints_refresh(agent_ids=[agent.pk], actor=system)
        requests_follow_designs(actor=system)

    acts = {
        APPROVE: company.vote,
        DENY: lambda request, person: company.vote(request, person, Choice.DENY),
        NARROW: lambda request, person: company.vote(
            request, person, terms=Terms(actions=request.actions[:1], days=5)
        ),
        "provision": lambda request, person: request_provision(
            request_id=request.pk, proof="Done.", actor=Person(person)
        ),
        "cancel": lambda request, person: request_cancel(
            request_id=request.pk, reason="No longer needed.", actor=Person(person)
        ),
        "fall back": lambda request, person: requests_fall_back(
            moment=timezone.now() + timedelta(hours=49), actor=system
        ),
        "lapse": lambda request, person: requests_lapse(
            moment=timezone.now() + timedelta(days=31), actor=system
        ),
        "drift": drift,
    }

    def play(sequence):
        number = next(numbers)
        keys = [
            PermissionFactory(key=f"customers:Do{number}{at}", level="write").key for at in "ab"
        ]
        request = company.submit(actions=keys, resources=[f"customer-{number}"])
        for name, who in sequence:
            request.refresh_from_db()
            try:
                acts[name](request, getattr(company, who))
            except (DomainError, PermissionDenied):
                continue
        request.refresh_from_db()
        if request.state in {RequestState.APPROVED, RequestState.PROVISIONED}:
            demand_met(request, company)
        if request.is_open:
            acts["cancel"](request, company.steward)
        return request.state

    return play


def demand_met(request, company):
    """Find it out anew from the rows alone, by trying every way to seat people."""
    votes = list(request.votes.filter(round=request.round, choice=Choice.APPROVE))
    benefits = {one.pk for one in (company.owner, company.technical, company.maker)}
    assert benefits.isdisjoint(vote.person_id for vote in votes)
    places = [
        (one.step.position, set(one.approvers.values_list("person", flat=True)))
        for one in RequestRequirement.objects.filter(step__request=request).select_related("step")
        for _ in range(one.count)
    ]
    assert len(places) == 3
    assert seats(places, [(vote.step_at, vote.person_id) for vote in votes])
    if request.state == RequestState.APPROVED:
        assert request.design_digest == design_of(request.agent_id)
    for vote in votes:
        assert set(request.actions) <= set(vote.terms["actions"])
        assert request.days <= vote.terms["days"]


def seats(places, votes):
    """Whether each place can go to a different voter of its step whom it asks."""
    if not places:
        return True
    (step, people), rest = places[0], places[1:]
    return any(
        seats(rest, [other for other in votes if other[1] != person])
        for at, person in votes
        if at == step and person in people
    )


def test_no_sequence_of_acts_gets_around_a_requirement(play):
    came_to = set()

    @settings(
        max_examples=40,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @example(STRAIGHT)
    @example(DRIFTED)
    @example(FELL_BACK)
    @given(ACTS)
    def no_way_around(sequence):
        came_to.add(play(sequence))

    no_way_around()

    assert RequestState.PROVISIONED in came_to


@pytest.mark.parametrize("sequence", [STRAIGHT, DRIFTED, FELL_BACK])
def test_where_everybody_who_is_asked_approves_it_comes_to_be_in_place(play, sequence):
    assert play(sequence) == RequestState.PROVISIONED
