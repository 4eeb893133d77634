"""Approved access that is not used: proposed to be removed, kept with a reason or ordered."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.approvals.models import RemovalProposal
from apps.approvals.services.unused import (
    proposal_keep,
    proposal_order,
    proposals_make,
    proposals_settle,
)
from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.core.models import Setting
from apps.grants.models import Grant
from apps.notices.models import Notice
from apps.remediation.models import Order
from tests.factories.accounts import SeatFactory, UserFactory
from tests.factories.approvals import ProposalFactory
from tests.factories.remediation import OrderFactory

pytestmark = pytest.mark.django_db

WORDS = "The season begins next month."


def make(system, *, days=0) -> int:
    return proposals_make(moment=timezone.now() + timedelta(days=days), actor=system)


def measured(**use):
    Grant.objects.update(use_is_known=True, **use)


@pytest.fixture
def request_(company, policy):
    return company.place(days=60, days_ago=31)


@pytest.fixture
def proposal(request_, system):
    measured(last_used_at=None)
    make(system)
    return RemovalProposal.objects.get()


def test_what_was_never_used_is_proposed_once_with_what_was_measured(request_, system):
    measured(last_used_at=None)

    assert make(system) == 1
    assert make(system) == 0

    proposal = RemovalProposal.objects.get()
    assert (proposal.state, proposal.days, proposal.use_is_known) == ("open", 30, True)
    entry = AuditEntry.objects.get(verb="approvals.removalproposal.made")
    assert entry.reason == "It was never used, as its source tells."
    notice = Notice.objects.get(kind="access-unused")
    assert notice.recipient == request_.asked_by
    assert request_.get_absolute_url() in notice.body


def test_what_was_used_lately_is_left_alone(request_, system):
    measured(last_used_at=timezone.now() - timedelta(days=2))

    assert make(system) == 0


def test_what_was_not_used_for_thirty_days_is_proposed(request_, system):
    measured(last_used_at=timezone.now() - timedelta(days=30, hours=1))

    assert make(system) == 1


def test_where_no_source_tells_of_its_use_that_is_said_and_asked_once(request_, system, company):
    assert make(system) == 1
    proposal = RemovalProposal.objects.get()
    assert "not known" in Notice.objects.get(kind="access-unused").body

    proposal_keep(proposal_id=proposal.pk, reason=WORDS, actor=Person(company.owner))

    assert make(system, days=31) == 0


def test_what_is_in_place_for_less_is_not_asked_about(company, policy, system):
    company.place(days=60, days_ago=29)

    assert make(system) == 0
    Setting.objects.create(key="unused_grant_days", value=20)
    assert make(system) == 1


def test_what_is_being_removed_or_over_is_not_asked_about(request_, system):
    order = OrderFactory(grant=request_.grant, waiting=True)

    assert make(system) == 0
    Order.objects.filter(pk=order.pk).update(state="manual_needed")
    assert make(system, days=40) == 0


def test_kept_with_a_reason_it_is_asked_again_after_as_long(proposal, company, system):
    kept = proposal_keep(proposal_id=proposal.pk, reason=WORDS, actor=Person(company.owner))

    assert (kept.state, kept.moved_by, kept.reason) == ("kept", company.owner, WORDS)
    assert make(system, days=28) == 0
    RemovalProposal.objects.update(moved_at=timezone.now() - timedelta(days=31))
    assert make(system) == 1


def test_its_removal_is_ordered_and_it_stays_in_force_until_that_is_seen(proposal, company):
    order = proposal_order(proposal_id=proposal.pk, reason=WORDS, actor=Person(company.owner))

    proposal.refresh_from_db()
    assert (proposal.state, order.state, order.kind) == ("ordered", "manual_needed", "revoke")
    assert (order.decided_by, order.target) == (company.owner, {})
    assert order.reason == f"Not known to be used in 30 days. {WORDS}"
    assert Grant.objects.get().state == "active"


def test_nothing_is_said_without_a_reason(proposal, company):
    for answer in (proposal_keep, proposal_order):
        with pytest.raises(DomainError, match="Say why"):
            answer(proposal_id=proposal.pk, reason=" ", actor=Person(company.owner))

    proposal.refresh_from_db()
    assert proposal.state == "open"
    assert not Order.objects.exists()


@pytest.mark.parametrize("who", ["owner", "steward"])
def test_who_wanted_it_and_stewards_answer_once(proposal, company, who):
    proposal_keep(proposal_id=proposal.pk, reason=WORDS, actor=Person(getattr(company, who)))

    with pytest.raises(PermissionDenied, match="It is answered"):
        proposal_order(proposal_id=proposal.pk, reason=WORDS, actor=Person(company.steward))


def test_nobody_else_answers(proposal, company):
    for person in (company.manager, company.security, UserFactory(), SeatFactory().user):
        with pytest.raises(PermissionDenied):
            proposal_keep(proposal_id=proposal.pk, reason=WORDS, actor=Person(person))


def test_used_since_or_being_removed_the_proposal_no_longer_holds(proposal, system):
    assert proposals_settle(moment=timezone.now(), actor=system) == 0
    measured(last_used_at=timezone.now())

    assert proposals_settle(moment=timezone.now(), actor=system) == 1
    assert proposals_settle(moment=timezone.now(), actor=system) == 0

    proposal.refresh_from_db()
    assert proposal.state == "moot"


def test_a_removal_ordered_elsewhere_settles_it(proposal, request_, system, company):
    OrderFactory(grant=request_.grant, waiting=True)
    with pytest.raises(DomainError, match="ordered already"):
        proposal_order(proposal_id=proposal.pk, reason=WORDS, actor=Person(company.owner))

    assert proposals_settle(moment=timezone.now(), actor=system) == 1


def test_the_database_holds_one_open_proposal_and_a_name_beside_each_answer():
    proposal = ProposalFactory()

    with pytest.raises(IntegrityError, match="open_once"), transaction.atomic():
        ProposalFactory(request=proposal.request)
    with pytest.raises(IntegrityError, match="answered_by_somebody"), transaction.atomic():
        ProposalFactory(state="kept")
