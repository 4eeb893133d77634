from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from apps.approvals.services.provisioning import request_provision, requests_confirm
from apps.approvals.states import RequestState
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.grants.models import Grant
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import SourceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def approved(company, policy):
    request = company.submit(days=30, ticket="ACC-1")
    for person in (company.manager, company.system_owner, company.security):
        company.vote(request, person)
    request.refresh_from_db()
    return request


def test_put_in_place_by_hand_with_proof_it_is_a_grant_that_ends(company, approved):
    request_provision(
        request_id=approved.pk, proof="Added the policy.", actor=Person(company.steward)
    )

    approved.refresh_from_db()
    grant = Grant.objects.get()
    assert (approved.state, approved.grant) == (RequestState.PROVISIONED, grant)
    assert (grant.request_id, grant.requested_by, grant.granted_by) == (
        approved.pk,
        company.owner,
        company.steward,
    )
    assert grant.expires_at - approved.provisioned_at == timedelta(days=30)
    assert (grant.justification.reason, grant.justification.ticket) == (approved.reason, "ACC-1")
    assert grant.statements.get().actions == [company.write.key]


def test_nothing_is_in_place_without_proof_or_by_who_benefits(company, approved):
    with pytest.raises(DomainError, match="Say what you did"):
        request_provision(request_id=approved.pk, proof=" ", actor=Person(company.steward))
    for person in (company.owner, company.manager):
        with pytest.raises(PermissionDenied):
            request_provision(request_id=approved.pk, proof="Done.", actor=Person(person))

    assert not Grant.objects.exists()


def test_a_source_read_after_the_approval_confirms_it(company, approved, system):
    grant = _shown(company, read_at=timezone.now())

    assert requests_confirm(actor=system) == 1

    approved.refresh_from_db()
    grant.refresh_from_db()
    assert (approved.state, approved.grant) == (RequestState.PROVISIONED, grant)
    assert approved.proofs.get().source == grant.source
    assert grant.request_id == approved.pk
    assert requests_confirm(actor=system) == 0


def test_an_older_reading_or_fewer_permissions_confirm_nothing(company, approved, system):
    _shown(company, read_at=approved.decided_at - timedelta(minutes=1))
    assert requests_confirm(actor=system) == 0

    grant = Grant.objects.get()
    grant.source = SourceFactory(read_at=timezone.now())
    grant.save()
    grant.statements.update(actions=["customers:Other"])
    assert requests_confirm(actor=system) == 0


def test_what_was_held_before_does_not_end_with_what_was_asked_for(company, policy, system):
    grant = GrantFactory(identity=company.identity, service="customers", level="write")
    line = GrantStatementFactory(grant=grant, actions=["customers:Old"])
    request = company.submit()
    for person in (company.manager, company.system_owner, company.security):
        company.vote(request, person)
    line.actions = ["customers:Old", company.write.key]
    line.save()
    grant.source = SourceFactory(read_at=timezone.now())
    grant.save()

    requests_confirm(actor=system)

    request.refresh_from_db()
    grant.refresh_from_db()
    assert (request.state, request.held_before) == ("provisioned", ["customers:Old"])
    assert grant.expires_at is None
    assert request.access_ends_at is not None


def _shown(company, *, read_at):
    grant = GrantFactory(
        identity=company.identity,
        service="customers",
        level="write",
        source=SourceFactory(read_at=read_at),
    )
    GrantStatementFactory(grant=grant, actions=[company.write.key])
    return grant
