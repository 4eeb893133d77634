"""Home says what changed since a week ago, to whoever may read of all of it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.core.actors import System
from apps.findings.models import DailyFigure
from apps.findings.services import figures_take, findings_recheck
from apps.inventory.states import AgentState
from tests.factories.accounts import SeatFactory
from tests.factories.grants import GrantFactory, JustificationFactory
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    CredentialFactory,
    IdentityFactory,
    SourceFactory,
    SystemFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def company():
    """Of everything that a figure counts some, and some that it must leave out."""
    shared = CredentialFactory()
    BindingFactory(identity=shared.identity)
    BindingFactory(identity=shared.identity)
    CredentialFactory(rotation_days=30)
    CredentialFactory(gone=True)
    IdentityFactory(gone_at=timezone.now())
    AgentFactory(state=AgentState.RETIRED)
    AgentFactory(trail_connected=True)
    SystemFactory(log_connected=True)
    SystemFactory(gone_at=timezone.now())
    SourceFactory(read_at=timezone.now() - timedelta(days=30))
    SourceFactory(read_at=timezone.now())
    GrantFactory(revoked=True)
    GrantFactory(read=True)
    GrantFactory(gone_at=timezone.now())
    justified = GrantFactory()
    justified.justification = JustificationFactory(grant=justified)
    justified.save()
    GrantFactory()
    findings_recheck(actor=System("test"))


def test_the_change_since_a_week_ago_is_shown(as_steward, company):
    figures_take(day=timezone.localdate())
    a_week_ago = timezone.localdate() - timedelta(days=7)
    now = DailyFigure.objects.get(key="endless_credentials").value
    DailyFigure.objects.create(key="endless_credentials", day=a_week_ago, value=now + 3)

    endless = as_steward.get("/").context["questions"][1]

    assert endless.change == -3


@pytest.mark.parametrize("who", ["as_reviewer", "limited"])
def test_who_sees_a_part_is_not_shown_how_the_whole_changed(who, client, request, company):
    figures_take(day=timezone.localdate())
    figures_take(day=timezone.localdate() - timedelta(days=7))
    if who == "limited":
        client.force_login(SeatFactory(limited_to_systems=True).user)
    else:
        client = request.getfixturevalue(who)

    page = client.get(reverse("console:home")).context

    assert [question.change for question in page["questions"]] == [None] * 5
    assert page["chart"] is None
