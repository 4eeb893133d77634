"""Break-glass is taken: by named people, for hours, with a page; and who sees it."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction

from apps.approvals.models import BreakGlass
from apps.approvals.policies import can_take
from apps.approvals.services.break_glass import (
    break_glass_take,
)
from apps.approvals.services.requests import request_submit
from apps.approvals.states import GroupKey
from apps.audit.models import AuditEntry
from apps.core.actors import Machine, Person, Role
from apps.core.errors import DomainError
from apps.core.models import Setting
from apps.grants.models import Grant
from apps.notices.models import Notice
from tests.approvals.glass import WHY, emergency_of, named, sent, take
from tests.factories.accounts import SeatFactory, UserFactory
from tests.factories.approvals import BreakGlassFactory, GroupMemberFactory, KnownGroupFactory
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import AgentFactory

pytestmark = pytest.mark.django_db


class TestTaking:
    def test_a_named_person_has_it_at_once_and_for_hours(self, company, taker):
        use = take(company, taker, ticket="INC-7")

        grant = Grant.objects.get()
        assert (use.state, use.taken_by, use.level) == ("active", taker, "write")
        assert use.ends_at - use.taken_at == timedelta(hours=2)
        assert (use.grant, grant.expires_at, grant.requested_by) == (grant, use.ends_at, taker)
        assert (grant.justification.reason, grant.request_id) == (WHY, None)
        entry = AuditEntry.objects.get(verb="approvals.breakglass.taken")
        assert (entry.actor, entry.target_id, entry.reason) == (taker, use.pk, WHY)

    def test_an_empty_group_means_nobody_and_says_so(self, company):
        for person in (company.steward, company.owner, company.security):
            with pytest.raises(PermissionDenied, match="Nobody may: the group Break-glass is"):
                take(company, person)

        assert not BreakGlass.objects.exists()

    def test_only_the_people_named_for_it_may(self, company, taker):
        nobody = named(GroupKey.BREAK_GLASS, role="")
        seat = SeatFactory()
        GroupMemberFactory(group=KnownGroupFactory(key=GroupKey.BREAK_GLASS), person=seat.user)

        for person in (company.steward, company.owner, nobody, seat.user):
            with pytest.raises(PermissionDenied):
                take(company, person)
        machine = Machine("agent", company.agent.pk, frozenset({"requests:write"}))
        with pytest.raises(PermissionDenied, match="Only a person"):
            break_glass_take(emergency=emergency_of(company), actor=machine)

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"hours": 5}, "at most 4 hours"),
            ({"hours": 0}, "at least one"),
            ({"reason": " "}, "it cannot wait"),
            ({"actions": []}, "at least one permission"),
            ({"actions": ["customers:Unheard"]}, "knows no customers:Unheard"),
            ({"resources": [" "]}, "Name the resources"),
        ],
    )
    def test_what_makes_no_sense_is_refused_and_leaves_nothing(self, company, taker, changes, says):
        with pytest.raises(DomainError, match=says):
            take(company, taker, **changes)

        assert not Grant.objects.exists()
        assert not Notice.objects.exists()

    def test_the_longest_time_is_a_setting(self, company, taker):
        Setting.objects.create(key="break_glass_hours", value=8)

        assert take(company, taker, hours=8).hours == 8

    def test_an_agent_that_is_suspended_is_given_nothing(self, taker):
        verdict = can_take(Person(taker), AgentFactory(state="suspended"))

        assert (bool(verdict), verdict.reason) == (
            False,
            "The agent is suspended: it is given nothing new.",
        )

    def test_who_is_on_call_is_paged_once_and_the_owner_is_told(self, company, taker):
        named(GroupKey.ON_CALL, display_name="On call")

        use = take(company, taker)
        take(company, taker)

        assert sent("break-glass") == ["On call", "Owner"]
        body = Notice.objects.filter(kind="break-glass").first().body
        assert WHY in body
        assert use.get_absolute_url() in body

    def test_where_nobody_is_on_call_every_steward_is_paged(self, company, taker):
        take(company, taker)

        assert sent("break-glass") == ["Owner", "Steward"]

    def test_who_took_it_is_not_paged_and_is_not_alone_on_call(self, company, taker):
        GroupMemberFactory(group=KnownGroupFactory(key=GroupKey.ON_CALL), person=taker)

        take(company, taker)

        assert sent("break-glass") == ["Owner", "Steward"]

    def test_taking_the_same_twice_gives_one_use(self, company, taker):
        first = take(company, taker)
        again = break_glass_take(
            emergency=emergency_of(company, reason="Once more, please."), actor=Person(taker)
        )

        assert (again.use, again.again) == (first, True)
        assert AuditEntry.objects.filter(verb="approvals.breakglass.taken").count() == 1

    def test_what_is_held_already_is_no_emergency(self, company, taker):
        grant = GrantFactory(identity=company.identity, service="customers")
        GrantStatementFactory(grant=grant, actions=[company.write.key])

        with pytest.raises(DomainError, match="holds this already"):
            take(company, taker)

    def test_while_it_lasts_the_same_may_be_asked_for_in_the_proper_way(
        self, company, policy, taker
    ):
        take(company, taker)

        asked = request_submit(ask=company.ask(), actor=Person(company.owner)).request

        assert (asked.state, asked.held_before) == ("pending", [])


class TestTheDatabase:
    def test_one_use_of_a_scope_is_in_force_at_a_time(self):
        use = BreakGlassFactory()
        BreakGlassFactory(over=True, scope_sha256=use.scope_sha256)

        with pytest.raises(IntegrityError, match="in_force_once"), transaction.atomic():
            BreakGlassFactory(scope_sha256=use.scope_sha256)

    def test_nobody_reviews_their_own(self):
        person = UserFactory()

        with pytest.raises(IntegrityError, match="by_somebody_else"), transaction.atomic():
            BreakGlassFactory(reviewed=True, taken_by=person, reviewed_by=person)

    def test_none_is_ever_deleted(self):
        use = BreakGlassFactory()

        with pytest.raises(IntegrityError), transaction.atomic():
            use.delete()


def test_who_sees_a_use(company, taker):
    use = take(company, taker)
    BreakGlassFactory()
    everything = [UserFactory(role=Role.STEWARD), SeatFactory().user, company.security]

    def seen(person):
        return set(BreakGlass.objects.visible_to(Person(person)).values_list("pk", flat=True))

    assert all(len(seen(person)) == 2 for person in everything)
    assert len(seen(taker)) == 2
    for person in (company.owner, company.manager, company.system_owner):
        assert seen(person) == {use.pk}
    assert seen(UserFactory()) == set()
    assert seen(SeatFactory(limited_to_systems=True).user) == set()


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_give_one_use(company, taker):
    barrier, taken = Barrier(2), []

    def click():
        barrier.wait(timeout=30)
        try:
            taken.append(
                break_glass_take(emergency=emergency_of(company), actor=Person(taker)).again
            )
        finally:
            connection.close()

    threads = [Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(taken) == [False, True]
    assert (BreakGlass.objects.count(), Grant.objects.count()) == (1, 1)
