from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.core.errors import DomainError, IllegalTransition
from apps.findings import services
from apps.findings.models import DailyFigure
from apps.findings.states import FINDING_MOVES, FindingState
from tests.factories.findings import FindingFactory
from tests.factories.inventory import CredentialFactory

pytestmark = pytest.mark.django_db

SOON = timezone.localdate() + timedelta(days=30)


def test_accepting_a_risk_keeps_reason_approver_and_end(steward):
    finding = FindingFactory()

    services.finding_accept_risk(
        finding_id=finding.pk, reason="Replaced in December", until=SOON, actor=Person(steward)
    )

    finding.refresh_from_db()
    assert (finding.state, finding.accepted_by, finding.until) == (
        FindingState.RISK_ACCEPTED,
        steward,
        SOON,
    )
    assert AuditEntry.objects.get().reason == "Replaced in December"


def test_a_reviewer_may_not_accept_a_risk(reviewer):
    finding = FindingFactory(agent__owner=reviewer)

    with pytest.raises(PermissionDenied, match="Only a steward"):
        services.finding_accept_risk(
            finding_id=finding.pk, reason="Fine by me", until=SOON, actor=Person(reviewer)
        )

    finding.refresh_from_db()
    assert finding.state == FindingState.OPEN


def test_nobody_accepts_the_risk_of_their_own_agent(steward):
    finding = FindingFactory(agent__owner=steward)

    with pytest.raises(PermissionDenied, match="somebody else"):
        services.finding_accept_risk(
            finding_id=finding.pk, reason="Fine by me", until=SOON, actor=Person(steward)
        )


def test_an_acceptance_without_a_near_end_is_refused(steward):
    finding = FindingFactory()
    far = timezone.localdate() + timedelta(days=400)

    with pytest.raises(DomainError, match="within a year"):
        services.finding_accept_risk(
            finding_id=finding.pk, reason="For ever", until=far, actor=Person(steward)
        )


def test_putting_aside_for_long_is_no_way_around_accepting_the_risk(steward):
    finding = FindingFactory()
    longest = timezone.localdate() + timedelta(days=30)

    with pytest.raises(DomainError, match="within 30 days; for longer, the risk must be accepted"):
        services.finding_snooze(
            finding_id=finding.pk,
            reason="Later",
            until=longest + timedelta(days=1),
            actor=Person(steward),
        )
    services.finding_snooze(
        finding_id=finding.pk, reason="Later", until=longest, actor=Person(steward)
    )

    finding.refresh_from_db()
    assert (finding.state, finding.until) == (FindingState.SNOOZED, longest)


@pytest.mark.parametrize(
    ("days", "woken"),
    [(-1, 1), (0, 0)],
    ids=["its date has passed", "its date is today"],
)
@pytest.mark.parametrize("state", [FindingState.SNOOZED, FindingState.RISK_ACCEPTED])
def test_what_waits_until_a_date_opens_again_the_day_after(steward, system, state, days, woken):
    finding = FindingFactory(
        state=state,
        until=timezone.localdate() + timedelta(days=days),
        reason="Until the release",
        accepted_by=steward if state == FindingState.RISK_ACCEPTED else None,
    )

    assert services.findings_wake(actor=system) == woken

    finding.refresh_from_db()
    assert finding.state == (FindingState.OPEN if woken else state)


def test_what_was_accepted_until_yesterday_opens_again(steward, system):
    finding = FindingFactory()
    services.finding_snooze(
        finding_id=finding.pk, reason="After the release", until=SOON, actor=Person(steward)
    )
    type(finding).objects.update(until=timezone.localdate() - timedelta(days=1))

    assert services.findings_wake(actor=system) == 1

    connection.check_constraints()
    finding.refresh_from_db()
    assert finding.state == FindingState.OPEN


@pytest.mark.parametrize("now", FindingState.values)
@pytest.mark.parametrize("target", FindingState.values)
def test_every_pair_of_states_is_ruled(now, target):
    if FINDING_MOVES.can(now, target):
        FINDING_MOVES.check(now, target)
    else:
        with pytest.raises(IllegalTransition):
            FINDING_MOVES.check(now, target)


def test_todays_figures_are_kept_once_and_brought_up_to_date():
    today = timezone.localdate()
    services.figures_take(day=today)
    CredentialFactory()
    services.figures_take(day=today)

    figure = DailyFigure.objects.get(key="endless_credentials")
    assert figure.value == 1
