"""Break-glass calls whoever is on call, wherever they are called, until somebody looks."""

import pytest
from django.core.exceptions import PermissionDenied

from apps.approvals.services.break_glass import (
    break_glass_end,
    break_glass_review,
)
from apps.approvals.states import BreakGlassVerdict, GroupKey
from apps.core.actors import Person
from apps.notices.models import Notice, Page
from apps.notices.services import page_acknowledge
from apps.notices.states import PageState
from tests.approvals.glass import named, take
from tests.factories.notices import RouteFactory, ladder_of

pytestmark = pytest.mark.django_db


def told(use):
    rows = Notice.objects.about(use).filter(kind="break-glass").order_by("pk")
    return [str(one.recipient or one.route) for one in rows]


def test_the_teams_ladder_is_paged_besides_the_group(company, taker):
    named(GroupKey.ON_CALL, display_name="On call")
    ladder_of(RouteFactory(name="Pager", pagerduty=True), team=company.agent.team)

    use = take(company, taker)

    assert told(use) == ["On call", "Pager", "Owner"]
    assert Page.objects.get().team == company.agent.team


def test_an_owner_who_is_on_call_is_told_once(company, taker):
    ladder_of(RouteFactory(person=company.owner))

    assert told(take(company, taker)) == ["Owner"]


def test_who_took_it_may_not_acknowledge_the_page(company, taker):
    take(company, taker)

    with pytest.raises(PermissionDenied, match="what you did yourself"):
        page_acknowledge(page_id=Page.objects.get().pk, actor=Person(taker))


def test_its_review_resolves_the_page(company, taker):
    use = take(company, taker)
    break_glass_end(use_id=use.pk, reason="The queue runs again.", actor=Person(company.steward))
    before = Page.objects.get().state

    break_glass_review(
        use_id=use.pk,
        verdict=BreakGlassVerdict.WARRANTED,
        review="It had to be.",
        actor=Person(company.security),
    )

    assert (before, Page.objects.get().state) == (PageState.SENT, PageState.RESOLVED)
