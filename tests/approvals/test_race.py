"""Two real connections at the last vote: one right result, whoever is quicker."""

from threading import Barrier, Thread

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from apps.approvals.models import Vote
from apps.approvals.states import Choice, RequestState
from apps.audit.models import AuditEntry

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts):
    """Do all of it at one moment, each on a connection of its own; how many were refused."""
    barrier, refused = Barrier(len(acts)), []

    def one(act):
        barrier.wait(timeout=30)
        try:
            act()
        except PermissionDenied as error:
            refused.append(str(error))
        finally:
            connection.close()

    threads = [Thread(target=one, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return refused


def judging(company, request, person, choice=Choice.APPROVE):
    return lambda: company.vote(type(request).objects.get(pk=request.pk), person, choice)


def ends_of(request):
    """Every end that the record tells of a request."""
    entries = AuditEntry.objects.filter(target_type="approvals.accessrequest", target_id=request.pk)
    moves = [after for _, after in entries.values_list("changes__state__0", "changes__state__1")]
    return [after for after in moves if after in {"approved", "denied"}]


@pytest.mark.parametrize(
    ("second", "state"),
    [(Choice.APPROVE, RequestState.APPROVED), (Choice.DENY, RequestState.DENIED)],
)
def test_two_who_give_the_last_votes_at_once_come_to_one_result(company, policy, second, state):
    request = company.submit()
    company.vote(request, company.manager)

    refused = at_once(
        judging(company, request, company.system_owner),
        judging(company, request, company.security, second),
    )

    request.refresh_from_db()
    assert request.state == state
    votes = Vote.objects.filter(request=request, step_at=2)
    assert votes.count() + len(refused) == 2
    if second == Choice.APPROVE:
        assert refused == []
    assert ends_of(request) == [state]


def test_one_person_who_approves_twice_at_once_counts_once(company, policy):
    request = company.submit()

    refused = at_once(*[judging(company, request, company.manager)] * 2)

    request.refresh_from_db()
    assert len(refused) == 1
    assert request.votes.count() == 1
    assert (request.state, request.step_at) == (RequestState.PENDING, 2)
