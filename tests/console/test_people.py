from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.console.selectors.duties import duties_of
from apps.console.services import people
from apps.core.actors import Person, Role
from apps.core.errors import DomainError
from apps.inventory.models import SeatSystem
from tests.factories.accounts import SeatFactory, TeamFactory, UserFactory
from tests.factories.inventory import AgentFactory, SystemFactory


@pytest.fixture
def leaving(db):
    person = UserFactory(display_name="Head of support")
    team = TeamFactory(manager=person)
    AgentFactory(owner=person, team=team)
    AgentFactory(technical_owner=person, team=team)
    SystemFactory(owner=person)
    return person


def test_the_duties_of_somebody_are_counted_over_every_app(leaving):
    duties = duties_of(leaving)

    assert str(duties) == (
        "1 agent owned, 1 agent answered for technically, 1 system owned, 1 team managed"
    )


def test_deactivating_somebody_with_duties_asks_who_takes_over(leaving, steward):
    with pytest.raises(DomainError, match="Say who takes over: 1 agent owned"):
        _deactivate(leaving, None, steward)

    leaving.refresh_from_db()
    assert leaving.is_active
    assert not AuditEntry.objects.exists()


def test_everything_passes_to_the_successor_in_the_same_moment(leaving, reviewer, steward):
    _deactivate(leaving, reviewer.pk, steward)

    leaving.refresh_from_db()
    assert not leaving.is_active
    assert not duties_of(leaving)
    assert duties_of(reviewer) == duties_of(reviewer).__class__(1, 1, 1, 1, 0, 0, 0)
    assert AuditEntry.objects.get(verb=Verb.PERSON_DEACTIVATED).reason == "Left"


def test_an_auditor_takes_nothing_over(leaving, steward):
    auditor = SeatFactory().user

    with pytest.raises(DomainError, match="Another active reviewer or steward"):
        _deactivate(leaving, auditor.pk, steward)


def test_somebody_without_duties_leaves_without_a_successor(reviewer, steward):
    _deactivate(reviewer, None, steward)

    assert not User.objects.get(pk=reviewer.pk).is_active


def test_nobody_deactivates_themself(steward):
    with pytest.raises(PermissionDenied, match="yourself"):
        _deactivate(steward, None, steward)


def test_who_becomes_an_auditor_owns_nothing_from_then_on(leaving, reviewer, steward):
    people.person_change_role(
        person_id=leaving.pk,
        role=Role.AUDITOR,
        reason="Moved to audit",
        successor_id=reviewer.pk,
        seat_ends_on=timezone.localdate() + timedelta(days=90),
        actor=Person(steward),
    )

    assert not duties_of(leaving)
    assert User.objects.get(pk=leaving.pk).standing_role == Role.AUDITOR


def test_becoming_an_auditor_with_duties_needs_a_successor(leaving, steward):
    with pytest.raises(DomainError, match="Say who takes over"):
        people.person_change_role(
            person_id=leaving.pk,
            role=Role.AUDITOR,
            reason="Moved to audit",
            seat_ends_on=timezone.localdate(),
            actor=Person(steward),
        )


def test_a_seat_is_limited_to_systems_and_the_record_names_them(steward):
    person = SeatFactory().user
    system = SystemFactory(name="CRM")

    _change_seat(person, [system], steward)

    assert list(SeatSystem.objects.values_list("system", flat=True)) == [system.pk]
    assert AuditEntry.objects.get().changes["systems"] == [[], ["CRM"]]


def test_a_seat_limited_to_nothing_is_refused(steward):
    person = SeatFactory().user

    with pytest.raises(DomainError, match="Name the systems"):
        _change_seat(person, [], steward)


def test_the_dialog_says_what_the_successor_gets(as_steward, leaving):
    page = as_steward.get(reverse("console:person_deactivate", args=[leaving.pk]))

    assert b"They get: 1 agent owned" in page.content


def test_a_steward_deactivates_somebody_in_the_browser(as_steward, leaving, reviewer):
    url = reverse("console:person_deactivate", args=[leaving.pk])

    without = as_steward.post(url, {"reason": "Left"})
    done = as_steward.post(url, {"reason": "Left", "successor": reviewer.pk})

    assert without.status_code == 422
    assert b"Say who takes over" in without.content
    assert done.status_code == 302
    assert not User.objects.get(pk=leaving.pk).is_active


def test_the_page_of_the_last_steward_says_why_not(as_steward, steward):
    page = as_steward.get(reverse("console:person_change_role", args=[steward.pk]))

    assert b"You cannot change your own role." in page.content


def test_a_steward_changes_a_seat_in_the_browser(as_steward):
    person = SeatFactory().user
    system = SystemFactory(name="CRM")
    url = reverse("console:seat_change", args=[person.pk])
    day = timezone.localdate() + timedelta(days=5)

    response = as_steward.post(
        url,
        {
            "ends_on": day.isoformat(),
            "limited_to_systems": "on",
            "systems": [system.pk],
            "reason": "Agreed",
        },
    )

    assert response.status_code == 302
    named = as_steward.get(reverse("console:person_seat_systems", args=[person.pk]))
    assert b"CRM" in named.content


def _deactivate(person, successor_id, steward):
    return people.person_deactivate(
        person_id=person.pk, successor_id=successor_id, reason="Left", actor=Person(steward)
    )


def _change_seat(person, systems, steward):
    return people.seat_change(
        person_id=person.pk,
        ends_on=timezone.localdate(),
        period_from=None,
        period_until=None,
        limited_to_systems=True,
        systems=systems,
        sees_payloads=False,
        reason="Agreed",
        actor=Person(steward),
    )
