from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.links import invitation_token
from apps.accounts.models import Invitation, User
from apps.accounts.services import invitations, people, seats, teams
from apps.accounts.services.settings import setting_change
from apps.accounts.states import InvitationState
from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.core.actors import Person, Role
from apps.core.errors import DomainError
from apps.core.preferences import preference
from apps.notices.models import Notice
from tests.factories.accounts import InvitationFactory, SeatFactory, TeamFactory, UserFactory


def test_an_invitation_mails_a_link_that_no_table_holds(
    steward, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        invitation = _invite(steward)

    token = invitation_token(invitation.seed)
    assert token in mail.outbox[0].body
    assert mail.outbox[0].to == ["new@example.com"]
    assert token not in Notice.objects.get().body
    assert token not in (invitation.token_digest, invitation.seed)


def test_an_address_is_invited_once_at_a_time(steward):
    _invite(steward)

    with pytest.raises(DomainError, match="open invitation already"):
        _invite(steward)


def test_a_new_invitation_takes_the_place_of_an_expired_one(steward):
    old = InvitationFactory(email="new@example.com", expires_at=timezone.now())

    new = _invite(steward)

    old.refresh_from_db()
    assert (old.state, new.state) == (InvitationState.WITHDRAWN, InvitationState.OPEN)


def test_an_auditor_is_invited_only_until_a_date(steward):
    with pytest.raises(DomainError, match="ends on a date"):
        _invite(steward, role=Role.AUDITOR)


def test_an_invited_auditor_gets_the_seat_they_were_promised(steward):
    last_day = timezone.localdate() + timedelta(days=10)
    invitation = _invite(steward, role=Role.AUDITOR, seat_ends_on=last_day)

    person = _accept(invitation)

    assert person.seat.ends_on == last_day
    assert person.standing_role == Role.AUDITOR


def test_accepting_records_the_invitation_and_the_person(steward):
    invitation = _invite(steward)

    person = _accept(invitation)

    verbs = list(AuditEntry.objects.order_by("pk").values_list("verb", flat=True))
    assert verbs == [Verb.PERSON_INVITED, Verb.INVITATION_ACCEPTED, Verb.PERSON_CREATED]
    assert AuditEntry.objects.get(verb=Verb.PERSON_CREATED).actor == person


def test_a_link_works_once(steward):
    invitation = _invite(steward)
    _accept(invitation)

    with pytest.raises(DomainError, match="no longer valid"):
        _accept(invitation)


def test_an_expired_link_works_no_more(db):
    invitation = InvitationFactory(expires_at=timezone.now())

    with pytest.raises(DomainError, match="no longer valid"):
        _accept(invitation)


def test_a_reviewer_invites_nobody(reviewer):
    with pytest.raises(PermissionDenied, match="Only a steward may invite"):
        _invite(reviewer)

    assert not Invitation.objects.exists()


def test_a_role_changes_with_its_reason_recorded(steward, reviewer):
    people.person_change_role(
        person_id=reviewer.pk, role=Role.STEWARD, reason="Second pair", actor=Person(steward)
    )

    reviewer.refresh_from_db()
    entry = AuditEntry.objects.get()
    assert reviewer.role == Role.STEWARD
    assert (entry.changes, entry.reason) == ({"role": ["reviewer", "steward"]}, "Second pair")


def test_nobody_changes_their_own_role(steward):
    UserFactory(steward=True)

    with pytest.raises(PermissionDenied, match="your own role"):
        people.person_change_role(
            person_id=steward.pk, role=Role.REVIEWER, reason="Enough", actor=Person(steward)
        )

    steward.refresh_from_db()
    assert steward.role == Role.STEWARD


def test_the_last_steward_keeps_the_role(steward, system):
    with pytest.raises(PermissionDenied, match="last steward"):
        people.person_change_role(
            person_id=steward.pk, role=Role.REVIEWER, reason="By command", actor=system
        )


def test_the_last_steward_is_not_deactivated(steward, system):
    UserFactory(steward=True, is_active=False, deactivated_at=timezone.now())

    with pytest.raises(PermissionDenied, match="last steward"):
        people.person_deactivate(person_id=steward.pk, reason="By command", actor=system)


def test_a_role_change_locks_the_stewards_before_it_counts_them(steward, reviewer):
    with CaptureQueriesContext(connection) as queries:
        people.person_change_role(
            person_id=reviewer.pk, role=Role.STEWARD, reason="Second pair", actor=Person(steward)
        )

    locks = [query["sql"] for query in queries if "FOR UPDATE" in query["sql"]]
    assert "'steward'" in locks[0]


def test_a_manager_of_a_team_is_not_deactivated_before_the_team_has_another(steward):
    team = TeamFactory()

    with pytest.raises(DomainError, match="manage a team"):
        people.person_deactivate(person_id=team.manager.pk, reason="Left", actor=Person(steward))


def test_somebody_without_a_standing_role_cannot_manage_a_team(steward):
    auditor = SeatFactory().user

    with pytest.raises(DomainError, match="active reviewer or steward"):
        teams.team_create(name="Support", manager=auditor, actor=Person(steward))


def test_another_manager_needs_a_reason(steward, reviewer):
    team = TeamFactory()

    with pytest.raises(DomainError, match="Say why"):
        teams.team_change(
            team_id=team.pk, name=team.name, manager=reviewer, reason=" ", actor=Person(steward)
        )


def test_handing_teams_over_changes_every_team_and_records_each(steward, reviewer):
    manager = UserFactory()
    TeamFactory.create_batch(2, manager=manager)

    count = teams.teams_hand_over(
        from_user_id=manager.pk, to_user_id=reviewer.pk, reason="Left", actor=Person(steward)
    )

    assert count == 2
    assert reviewer.manages.count() == 2
    assert AuditEntry.objects.filter(verb=Verb.TEAM_CHANGED).count() == 2


def test_a_seat_that_ends_in_the_past_ends_the_role_at_once(steward):
    person = SeatFactory().user

    _change_seat(person, steward, ends_on=timezone.localdate() - timedelta(days=1))

    assert User.objects.get(pk=person.pk).standing_role == ""
    assert "ends_on" in AuditEntry.objects.get().changes


def test_a_seat_whose_period_is_turned_around_is_refused(steward):
    person = SeatFactory().user
    today = timezone.localdate()

    with pytest.raises(DomainError, match="ends before it begins"):
        _change_seat(
            person,
            steward,
            ends_on=today,
            period_from=today,
            period_until=today - timedelta(days=1),
        )


def test_a_setting_counts_from_its_change(steward):
    setting_change(key="coverage_known_percent", value=90, reason="Stricter", actor=Person(steward))

    assert preference("coverage_known_percent") == 90


def test_an_unknown_setting_is_refused(steward):
    with pytest.raises(DomainError, match="no such setting"):
        setting_change(key="anything", value=1, reason="Because", actor=Person(steward))


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../UTC"])
def test_a_time_zone_must_exist(reviewer, zone):
    with pytest.raises(DomainError, match="no time zone"):
        people.profile_change(display_name="Somebody", time_zone=zone, actor=Person(reviewer))


def test_changing_nothing_records_nothing(reviewer):
    people.profile_change(
        display_name=reviewer.display_name, time_zone=reviewer.time_zone, actor=Person(reviewer)
    )

    assert not AuditEntry.objects.exists()


def _invite(by, *, role=Role.REVIEWER, seat_ends_on=None):
    return invitations.person_invite(
        email="New@example.com ",
        display_name="Head of support",
        role=role,
        seat_ends_on=seat_ends_on,
        actor=Person(by),
    )


def _accept(invitation):
    return invitations.invitation_accept(
        token=invitation_token(invitation.seed),
        display_name="Head of support",
        password="a long enough phrase",
        time_zone="UTC",
    )


def _change_seat(person, steward, *, ends_on, period_from=None, period_until=None):
    return seats.seat_change(
        person_id=person.pk,
        ends_on=ends_on,
        period_from=period_from,
        period_until=period_until,
        limited_to_systems=False,
        sees_payloads=False,
        reason="Agreed",
        actor=Person(steward),
    )
