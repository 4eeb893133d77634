import pytest
from django.db import IntegrityError

from apps.accounts.models import Invitation, Team, User
from apps.accounts.tables import PersonTable, TeamTable
from apps.core.actors import Machine, Person, System
from apps.notices.tables import NoticeTable
from tests.core.indexes import assert_sorts_are_indexed
from tests.factories.accounts import InvitationFactory, SeatFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("table", [PersonTable, TeamTable, NoticeTable])
def test_every_sort_is_served_by_an_index(table):
    assert_sorts_are_indexed(table)


def test_somebody_without_a_role_sees_themself_alone():
    person = UserFactory(nobody=True)
    UserFactory()

    assert list(User.objects.visible_to(Person(person))) == [person]


def test_a_machine_sees_no_people():
    UserFactory()
    TeamFactory()
    machine = Machine(client_id="agent", agent_id=1, scopes=frozenset())

    assert not User.objects.visible_to(machine).exists()
    assert not Team.objects.visible_to(machine).exists()


def test_invitations_are_the_stewards_alone():
    invitation = InvitationFactory()

    assert list(Invitation.objects.visible_to(System("test"))) == [invitation]
    assert list(Invitation.objects.visible_to(Person(UserFactory(steward=True)))) == [invitation]
    assert not Invitation.objects.visible_to(Person(UserFactory())).exists()
    assert not Invitation.objects.visible_to(Person(SeatFactory().user)).exists()


def test_a_team_counts_its_active_people_alone():
    team = TeamFactory()
    UserFactory(team=team)
    gone = UserFactory(team=team)
    User.objects.filter(pk=gone.pk).update(is_active=False, deactivated_at=gone.date_joined)

    assert Team.objects.for_table().get(pk=team.pk).member_count == 1


def test_an_address_is_one_in_any_case():
    UserFactory(email="head@example.com")

    with pytest.raises(IntegrityError, match="accounts_user_email_once_in_any_case"):
        UserFactory(email="Head@example.com")


@pytest.mark.parametrize("path", ["/settings/people/", "/settings/teams/", "/settings/notices/"])
def test_a_list_costs_the_same_however_long_it_is(as_steward, path, django_assert_max_num_queries):
    TeamFactory.create_batch(5)
    UserFactory.create_batch(5, team=TeamFactory())

    with django_assert_max_num_queries(12):
        as_steward.get(path)
