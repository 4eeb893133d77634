from datetime import timedelta

import pytest
from django.utils import timezone

from apps.approvals.models import AccessRequest
from apps.approvals.services.upkeep import requests_fall_back, requests_lapse, requests_route
from apps.approvals.states import GroupKey, RequestState
from apps.audit.models import AuditEntry
from apps.notices.models import Notice
from tests.factories.accounts import UserFactory
from tests.factories.approvals import (
    GroupMemberFactory,
    KnownGroupFactory,
    PolicyFactory,
    SecurityFactory,
)

pytestmark = pytest.mark.django_db

LATER = timedelta(hours=49)


def test_a_step_whose_time_is_up_goes_to_the_fallback_and_skips_nobody(company, policy, system):
    request = company.submit()
    told = Notice.objects.latest("pk").pk

    assert requests_fall_back(moment=timezone.now() + LATER, actor=system) == 1

    request.refresh_from_db()
    assert (request.state, request.step_at) == (RequestState.PENDING, 1)
    asked = request.approvers.filter(step_at=1).values_list("person", "found_by")
    assert set(asked) == {(company.manager.pk, "policy"), (company.steward.pk, "fallback")}
    assert list(Notice.objects.filter(pk__gt=told).values_list("recipient", flat=True)) == [
        company.steward.pk
    ]
    company.vote(request, company.steward)
    request.refresh_from_db()
    assert request.step_at == 2


def test_the_fallback_is_asked_once(company, policy, system):
    company.submit()
    moment = timezone.now() + LATER

    assert requests_fall_back(moment=moment, actor=system) == 1
    assert requests_fall_back(moment=moment + LATER, actor=system) == 0
    assert AuditEntry.objects.filter(verb="approvals.accessrequest.fell_back").count() == 1


def test_the_fallback_group_is_asked_before_stewards_and_never_who_benefits(
    company, policy, system
):
    group = KnownGroupFactory(key=GroupKey.FALLBACK)
    person = GroupMemberFactory(group=group).person
    GroupMemberFactory(group=group, person=company.owner)
    request = company.submit()

    requests_fall_back(moment=timezone.now() + LATER, actor=system)

    fallback = request.approvers.filter(found_by="fallback").values_list("person", flat=True)
    assert list(fallback) == [person.pk]


def test_time_never_approves_it_lapses(company, policy, system):
    request = company.submit()

    assert requests_lapse(moment=timezone.now() + timedelta(days=29), actor=system) == 0
    assert requests_lapse(moment=timezone.now() + timedelta(days=31), actor=system) == 1

    request.refresh_from_db()
    assert request.state == RequestState.LAPSED


def test_a_request_without_a_policy_finds_one_when_there_is(company, system):
    request = company.submit()
    assert requests_route(actor=system) == 0

    PolicyFactory(position=9, match={"levels": ["write"]}).steps.create(position=1, name="Any")
    assert requests_route(actor=system) == 1

    assert AccessRequest.objects.get() == request
    request.refresh_from_db()
    assert request.state == RequestState.PENDING


def test_who_leaves_a_group_after_the_request_is_still_asked_by_it(company, policy):
    request = company.submit()
    SecurityFactory().memberships.all().delete()
    GroupMemberFactory(group=SecurityFactory(), person=UserFactory())

    asked = set(request.approvers.values_list("person", flat=True))
    assert company.security.pk in asked
    assert len(asked) == 3
