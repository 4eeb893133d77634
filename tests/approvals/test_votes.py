import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, IntegrityError, transaction

from apps.approvals.models import Vote
from apps.approvals.services.upkeep import requests_follow_designs
from apps.approvals.services.votes import Terms, question_answer, question_ask, vote_cast
from apps.approvals.states import Choice, RequestState
from apps.core.actors import Machine, Person
from apps.core.errors import DomainError
from apps.grants.services.fingerprints import fingerprints_refresh
from apps.inventory.models import Agent
from apps.notices.models import Notice
from tests.factories.accounts import UserFactory
from tests.factories.inventory import CredentialFactory

pytestmark = pytest.mark.django_db


def test_every_step_is_passed_by_different_people_before_anything_is_approved(company, policy):
    request = company.submit()

    company.vote(request, company.manager)
    request.refresh_from_db()
    assert (request.state, request.step_at) == ("pending", 2)
    company.vote(request, company.system_owner)
    request.refresh_from_db()
    assert (request.state, request.step_at) == ("pending", 2)
    company.vote(request, company.security)

    request.refresh_from_db()
    assert (request.state, request.step_at) == ("approved", 0)
    assert request.decided_at is not None


def test_the_people_of_a_later_step_wait_for_their_turn(company, policy):
    request = company.submit()

    with pytest.raises(PermissionDenied, match="The step “Need” asks other people"):
        company.vote(request, company.security)


def test_one_denial_ends_it(company, policy):
    request = company.submit()
    company.vote(request, company.manager, Choice.DENY, reason="Not for this task.")

    request.refresh_from_db()
    assert (request.state, request.ended_because) == ("denied", "Not for this task.")
    with pytest.raises(PermissionDenied, match="nothing is judged now"):
        company.vote(request, company.system_owner)


def test_a_policy_may_ask_for_more_than_one_denial(company, policy):
    policy.denials_end_it = 2
    policy.save()
    request = company.submit()
    company.vote(request, company.manager)

    company.vote(request, company.system_owner, Choice.DENY)
    request.refresh_from_db()
    assert request.state == RequestState.PENDING
    company.vote(request, company.security, Choice.DENY)

    request.refresh_from_db()
    assert request.state == RequestState.DENIED


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("owner", "You asked for this"),
        ("technical", "technical owner"),
        ("maker", "You made a credential"),
    ],
)
def test_who_benefits_never_judges_and_is_told_why(company, policy, who, said):
    people = {"owner": company.owner, "technical": UserFactory(), "maker": UserFactory()}
    company.agent.technical_owner = people["technical"]
    company.agent.save()
    CredentialFactory(identity=company.identity, made_by=people["maker"])
    request = company.submit()

    with pytest.raises(PermissionDenied, match=said):
        company.vote(request, people[who])


def test_a_manager_who_asked_is_not_asked_to_approve(company, policy):
    request = company.submit(actor=company.manager)

    assert not request.approvers.filter(person=company.manager).exists()
    assert request.is_unmeetable
    assert request.state == RequestState.PENDING


def test_a_machine_and_an_auditor_never_judge(company, policy, auditor):
    request = company.submit()

    with pytest.raises(PermissionDenied, match="they never approve"):
        _vote_as(request, Machine("client", company.agent.pk, frozenset({"requests:write"})))
    with pytest.raises(PermissionDenied, match="An auditor reads"):
        _vote_as(request, Person(auditor))


def _vote_as(request, actor):
    vote_cast(
        request_id=request.pk,
        choice=Choice.APPROVE,
        reason="Yes.",
        seen=request.digest,
        actor=actor,
    )


def test_nobody_votes_twice_and_the_database_agrees(company, policy):
    policy.steps.get(position=1).requirements.update(kind="stewards", count=2)
    UserFactory(steward=True)
    request = company.submit()
    company.vote(request, company.steward)

    with pytest.raises(PermissionDenied, match="counts once"):
        company.vote(request, company.steward)
    with pytest.raises(IntegrityError), transaction.atomic():
        Vote.objects.create(
            request=request,
            round=1,
            step_at=1,
            person=company.steward,
            choice=Choice.APPROVE,
            reason="Again.",
            digest=request.digest,
        )


def test_a_vote_is_never_changed(company, policy):
    request = company.submit()
    vote = company.vote(request, company.manager)

    with pytest.raises(DatabaseError), transaction.atomic():
        Vote.objects.filter(pk=vote.pk).update(choice=Choice.DENY)


def test_an_approver_may_take_and_shorten_but_never_add_or_lengthen(company, policy):
    request = company.submit(actions=[company.write.key, company.read.key], days=30)

    for terms, said in (
        (Terms(days=31), "never make it longer"),
        (Terms(actions=["customers:Delete"]), "never add"),
        (Terms(actions=[]), "never add or empty"),
        (Terms(resources=[]), "never add to them"),
    ):
        with pytest.raises(DomainError, match=said):
            company.vote(request, company.manager, terms=terms)
    company.vote(
        request,
        company.manager,
        terms=Terms(actions=[company.write.key], resources=["crm:eu"], days=10),
    )

    request.refresh_from_db()
    assert (request.actions, request.resources, request.days) == (
        [company.write.key],
        ["crm:eu"],
        10,
    )
    assert request.asked["days"] == 30


def test_what_one_approver_took_the_next_cannot_put_back(company, policy):
    request = company.submit(days=30)
    company.vote(request, company.manager, terms=Terms(days=10))

    with pytest.raises(DomainError, match="never make it longer"):
        company.vote(request, company.security, terms=Terms(days=20))


def test_a_stale_page_approves_nothing(company, policy):
    request = company.submit(days=30)
    seen = request.digest
    company.vote(request, company.manager, terms=Terms(days=10))

    with pytest.raises(DomainError, match="changed while you looked"):
        company.vote(request, company.security, seen=seen)


@pytest.mark.django_db(transaction=True)
def test_an_agent_that_changes_has_its_request_judged_anew(company, policy, system):
    request = company.submit()
    company.vote(request, company.manager)
    told = Notice.objects.latest("pk").pk

    _change_design(company.agent, system)
    with pytest.raises(DomainError, match="changed while you looked"):
        company.vote(request, company.security)
    assert requests_follow_designs(actor=system) == 1

    request.refresh_from_db()
    assert (request.state, request.round, request.step_at) == ("pending", 2, 1)
    assert set(Notice.objects.filter(pk__gt=told).values_list("recipient", "kind")) == {
        (company.manager.pk, "request-to-judge"),
        (company.manager.pk, "request-anew"),
    }
    company.vote(request, company.manager)
    assert request.votes.count() == 2


def test_an_agent_that_changes_after_the_approval_has_its_request_voided(company, policy, system):
    request = company.submit()
    for person in (company.manager, company.system_owner, company.security):
        company.vote(request, person)

    _change_design(company.agent, system)
    requests_follow_designs(actor=system)

    request.refresh_from_db()
    assert request.state == RequestState.INVALIDATED


def _change_design(agent, system):
    Agent.objects.filter(pk=agent.pk).update(model="another-model")
    fingerprints_refresh(agent_ids=[agent.pk], actor=system)


def test_a_question_is_kept_and_mailed_and_so_is_its_answer(company, policy):
    request = company.submit()
    told = Notice.objects.latest("pk").pk

    asked = question_ask(
        request_id=request.pk, text="For how many tickets?", actor=Person(company.manager)
    )
    question_answer(
        request_id=request.pk, note_id=asked.pk, text="About 40.", actor=Person(company.owner)
    )

    assert list(request.notes.values_list("kind", "text", "answers")) == [
        ("question", "For how many tickets?", None),
        ("answer", "About 40.", asked.pk),
    ]
    assert set(Notice.objects.filter(pk__gt=told).values_list("recipient", flat=True)) == {
        company.owner.pk,
        company.manager.pk,
    }
    with pytest.raises(PermissionDenied):
        question_ask(request_id=request.pk, text="May I?", actor=Person(UserFactory()))
