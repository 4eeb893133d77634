from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from apps.approvals.models import AccessRequest, RequestNote
from apps.approvals.services.requests import KeyTaken, request_cancel, request_submit
from apps.approvals.states import RequestState
from apps.audit.models import AuditEntry
from apps.core.actors import Machine, Person
from apps.core.errors import DomainError
from apps.notices.models import Notice
from tests.factories.accounts import UserFactory
from tests.factories.approvals import PolicyFactory
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import IdentityFactory, TaskFactory

pytestmark = pytest.mark.django_db


def verbs_of(request):
    entries = AuditEntry.objects.filter(target_id=request.pk, target_type__endswith="accessrequest")
    return sorted(entries.values_list("verb", flat=True))


def test_a_request_freezes_who_must_approve_it_and_asks_the_first_step(company, policy):
    request = company.submit()

    assert request.state == RequestState.PENDING
    assert (request.policy_name, request.step_at) == ("Write access", 1)
    asked = request.approvers.order_by("step_at", "pk").values_list("step_at", "person")
    assert list(asked) == [
        (1, company.manager.pk),
        (2, company.system_owner.pk),
        (2, company.security.pk),
    ]
    assert list(Notice.objects.values_list("recipient", flat=True)) == [company.manager.pk]
    assert verbs_of(request) == [
        "approvals.accessrequest.routed",
        "approvals.accessrequest.submitted",
    ]


def test_without_a_policy_nothing_is_let_through_and_the_request_says_so(company):
    request = company.submit()

    assert request.state == RequestState.SUBMITTED
    with pytest.raises(PermissionDenied, match="No policy covers this request yet"):
        company.vote(request, company.manager)


def test_the_first_policy_whose_conditions_hold_applies(company, policy):
    PolicyFactory(position=0, name="Admin only", match={"levels": ["admin"]})

    assert company.submit().policy == policy


def test_read_access_that_a_rule_covers_is_granted_at_once_and_names_the_rule(company):
    rule = PolicyFactory(position=1, match={"levels": ["read"]}, is_automatic=True)

    request = company.submit(actions=[company.read.key], task_id=None, days=None)

    assert (request.state, request.policy, request.level) == ("approved", rule, "read")
    entry = AuditEntry.objects.get(verb="approvals.accessrequest.approved")
    assert f"({rule.pk})" in entry.reason


def test_an_automatic_rule_for_anything_but_read_is_refused_by_the_database():
    for levels in ([], ["read", "write"], ["write"]):
        with pytest.raises(IntegrityError), transaction.atomic():
            PolicyFactory(match={"levels": levels}, is_automatic=True)


def test_the_level_is_that_of_the_highest_permission_asked_for(company, policy):
    request = company.submit(actions=[company.read.key, company.write.key])

    assert (request.level, request.tags) == ("write", ["changes"])


def test_asking_twice_for_the_same_joins_the_open_request(company, policy):
    first = company.submit()

    again = request_submit(ask=company.ask(reason="I need it too."), actor=Person(company.steward))

    assert (again.request, again.joined) == (first, True)
    assert AccessRequest.objects.count() == 1
    note = RequestNote.objects.get()
    assert (note.author, note.text) == (company.steward, "I need it too.")


def test_asking_again_after_a_request_is_over_makes_another(company, policy):
    first = company.submit()
    request_cancel(request_id=first.pk, reason="Not needed.", actor=Person(company.owner))

    assert company.submit() != first


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reason": "  "}, "Say why it is needed"),
        ({"days": None}, "lasts at most 90 days"),
        ({"days": 91}, "lasts at most 90 days"),
        ({"days": 0}, "at least a day"),
        ({"task_id": None}, "which task"),
        ({"actions": []}, "at least one permission"),
        ({"actions": ["customers:Unknown"]}, "knows no customers:Unknown"),
        ({"resources": [" "]}, "Name the resources"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_and_leaves_nothing(company, changes, said):
    with pytest.raises(DomainError, match=said):
        company.submit(**changes)

    assert not AccessRequest.objects.exists()


def test_a_task_of_another_agent_and_an_identity_of_another_are_refused(company):
    with pytest.raises(DomainError, match="no task of"):
        company.submit(task_id=TaskFactory().pk)
    with pytest.raises(DomainError, match="does not act as that identity"):
        company.submit(identity_id=IdentityFactory().pk)


def test_what_is_held_already_is_not_asked_for_anew(company):
    grant = GrantFactory(identity=company.identity, service="customers", level="write")
    GrantStatementFactory(grant=grant, actions=[company.write.key])

    with pytest.raises(DomainError, match="holds this already"):
        company.submit()


def test_a_stranger_may_not_ask_and_neither_may_an_auditor(company, auditor):
    with pytest.raises(PermissionDenied, match="answer for this agent"):
        company.submit(actor=UserFactory())
    with pytest.raises(PermissionDenied, match="An auditor reads"):
        company.submit(actor=auditor)


def test_an_agent_may_ask_for_itself_alone_and_the_same_call_twice_is_one_request(company, policy):
    machine = Machine("client", company.agent.pk, frozenset({"requests:write"}))
    ask = company.ask(idempotency_key="42")

    first = request_submit(ask=ask, actor=machine).request
    again = request_submit(ask=ask, actor=machine).request

    assert first == again
    assert first.asked_by_client == "client"
    with pytest.raises(KeyTaken, match="Choose a new key"):
        request_submit(ask=company.ask(idempotency_key="42", days=7), actor=machine)
    assert AccessRequest.objects.count() == 1
    with pytest.raises(PermissionDenied, match="for itself alone"):
        request_submit(ask=ask, actor=Machine("other", None, frozenset({"requests:write"})))


def test_cancelling_needs_a_reason_and_ends_the_request(company, policy):
    request = company.submit()

    with pytest.raises(DomainError, match="Say why"):
        request_cancel(request_id=request.pk, reason=" ", actor=Person(company.owner))
    request_cancel(request_id=request.pk, reason="A typo.", actor=Person(company.owner))

    request.refresh_from_db()
    assert (request.state, request.ended_because) == ("cancelled", "A typo.")
    assert request.lapses_at - request.submitted_at == timedelta(days=30)
