"""Break-glass: named people, hours, a page, an end, and a review by somebody else."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.approvals import tasks
from apps.approvals.models import BreakGlass
from apps.approvals.policies import can_take
from apps.approvals.services.break_glass import (
    Emergency,
    break_glass_end,
    break_glass_end_due,
    break_glass_review,
    break_glass_take,
)
from apps.approvals.services.requests import request_submit
from apps.approvals.states import BreakGlassState, BreakGlassVerdict, GroupKey
from apps.audit.models import AuditEntry
from apps.core.actors import Machine, Person, Role
from apps.core.errors import DomainError
from apps.core.models import Setting
from apps.findings.models import Finding
from apps.findings.services import findings_recheck
from apps.grants.models import Grant
from apps.notices.models import Notice
from apps.remediation.models import Order
from apps.remediation.services.orders import (
    Proof,
    grants_order_expired,
    order_carried_out,
    order_confirm,
)
from tests.factories.accounts import SeatFactory, UserFactory
from tests.factories.approvals import BreakGlassFactory, GroupMemberFactory, KnownGroupFactory
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import AgentFactory, CredentialFactory

pytestmark = pytest.mark.django_db

# Each act is committed, as in life: one entry about one thing belongs to one transaction.
COMMITTED = pytest.mark.django_db(transaction=True)
WHY = "The queue stands still and nobody of the team can be reached."


def named(key, **person):
    member = GroupMemberFactory(group=KnownGroupFactory(key=key), person=UserFactory(**person))
    return member.person


@pytest.fixture
def taker(company):
    return named(GroupKey.BREAK_GLASS, display_name="Taker")


def emergency_of(company, **changes) -> Emergency:
    values = {
        "agent_id": company.agent.pk,
        "identity_id": company.identity.pk,
        "service": "customers",
        "actions": [company.write.key],
        "reason": WHY,
        "hours": 2,
        **changes,
    }
    return Emergency(**values)


def take(company, person, **changes) -> BreakGlass:
    return break_glass_take(emergency=emergency_of(company, **changes), actor=Person(person)).use


def sent(kind):
    rows = Notice.objects.filter(kind=kind).order_by("recipient__display_name")
    return list(rows.values_list("recipient__display_name", flat=True))


def let_time_pass(use, **passed):
    moments = {"taken_at": use.taken_at, "ends_at": use.ends_at}
    BreakGlass.objects.filter(pk=use.pk).update(
        **{name: at - timedelta(**passed) for name, at in moments.items()}
    )
    grant = use.grant
    Grant.objects.filter(pk=grant.pk, expires_at__isnull=False).update(
        first_seen_at=grant.first_seen_at - timedelta(**passed),
        expires_at=grant.expires_at and grant.expires_at - timedelta(**passed),
    )


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


class TestEnding:
    def test_it_ends_by_itself_and_its_removal_is_ordered(self, company, taker, system):
        use = take(company, taker)
        assert break_glass_end_due(moment=timezone.now(), actor=system) == 0
        let_time_pass(use, hours=3)

        assert break_glass_end_due(moment=timezone.now(), actor=system) == 1
        assert break_glass_end_due(moment=timezone.now(), actor=system) == 0

        use.refresh_from_db()
        order = Order.objects.get()
        assert (use.state, use.ended_because) == (BreakGlassState.ENDED, "Its time was up.")
        assert use.review_due_at - use.ended_at == timedelta(days=2)
        assert (order.kind, order.state, order.grant) == ("revoke", "manual_needed", use.grant)
        assert (order.origin_type, order.origin_id) == ("approvals.breakglass", use.pk)
        assert Grant.objects.get().state == "active"

    def test_seen_to_be_gone_its_grant_is_expired(self, company, taker):
        let_time_pass(take(company, taker), hours=3)
        tasks.end_access()
        order = Order.objects.get()

        order_carried_out(order_id=order.pk, proof=Proof("Out"), actor=Person(UserFactory()))
        order_confirm(order_id=order.pk, proof=Proof("Looked"), actor=Person(UserFactory()))

        assert Grant.objects.get().state == "expired"

    def test_the_expiry_of_its_grant_orders_nothing_more(self, company, taker, system):
        let_time_pass(take(company, taker), hours=3)

        grants_order_expired(moment=timezone.now(), actor=system)
        tasks.end_access()

        assert Order.objects.count() == 1

    @pytest.mark.parametrize(
        "who", ["taker", "owner", "manager", "steward", "system_owner", "security"]
    )
    def test_those_near_it_end_it_early(self, company, taker, who):
        use = take(company, taker)
        person = taker if who == "taker" else getattr(company, who)

        ended = break_glass_end(use_id=use.pk, reason="It is mended.", actor=Person(person))

        assert (ended.state, ended.ended_by) == ("ended", person)
        assert Order.objects.get().target == {}

    def test_others_do_not_and_nobody_ends_it_twice(self, company, taker):
        use = take(company, taker)
        for person in (UserFactory(), SeatFactory().user):
            with pytest.raises(PermissionDenied):
                break_glass_end(use_id=use.pk, reason="No.", actor=Person(person))
        break_glass_end(use_id=use.pk, reason="It is mended.", actor=Person(taker))

        with pytest.raises(PermissionDenied, match="over already"):
            break_glass_end(use_id=use.pk, reason="Again.", actor=Person(taker))

    def test_what_was_held_before_stays(self, company, taker):
        grant = GrantFactory(identity=company.identity, service="customers")
        GrantStatementFactory(grant=grant, actions=["customers:Old"])

        use = take(company, taker)
        break_glass_end(use_id=use.pk, reason="It is mended.", actor=Person(taker))

        assert use.held_before == ["customers:Old"]
        order = Order.objects.get()
        assert (order.kind, order.target) == ("narrow", {"actions": ["customers:Old"]})
        grant.refresh_from_db()
        assert grant.expires_at is None

    @COMMITTED
    def test_what_was_approved_meanwhile_stays(self, company, policy, taker):
        use = take(company, taker)
        company.place()

        break_glass_end(use_id=use.pk, reason="It is mended.", actor=Person(taker))

        assert not Order.objects.exists()

    @COMMITTED
    @pytest.mark.parametrize("meanwhile", [tasks.end_access, lambda: None])
    def test_taken_again_before_its_removal_it_is_in_force_again(
        self, company, taker, system, meanwhile
    ):
        first = take(company, taker)
        let_time_pass(first, hours=3)
        meanwhile()

        second = take(company, taker)

        assert (second.held_before, second.grant) == ([], first.grant)
        assert Order.objects.get().state == "rolled_back"
        assert Grant.objects.get().expires_at == second.ends_at
        assert grants_order_expired(moment=timezone.now(), actor=system) == 0
        let_time_pass(second, hours=3)
        tasks.end_access()
        latest = Order.objects.latest("pk")
        assert (latest.kind, latest.origin_id) == ("revoke", second.pk)


class TestReview:
    @pytest.fixture
    def use(self, company, taker):
        use = take(company, taker)
        break_glass_end(use_id=use.pk, reason="It is mended.", actor=Person(taker))
        use.refresh_from_db()
        return use

    def review(self, use, person, **changes):
        return break_glass_review(
            use_id=use.pk,
            verdict=changes.get("verdict", BreakGlassVerdict.WARRANTED),
            review=changes.get("review", "I read the log: the queue stood still."),
            actor=Person(person),
        )

    def test_security_reviews_it_and_who_took_it_is_told(self, company, use):
        assert sent("break-glass-review") == ["Security"]

        reviewed = self.review(use, company.security)

        assert (reviewed.state, reviewed.reviewed_by) == ("reviewed", company.security)
        assert sent("break-glass-reviewed") == ["Owner", "Taker"]
        entry = AuditEntry.objects.get(verb="approvals.breakglass.reviewed")
        assert entry.reason == "I read the log: the queue stood still."

    def test_where_it_was_not_warranted_stewards_are_told_as_well(self, company, use):
        self.review(use, company.security, verdict=BreakGlassVerdict.UNWARRANTED)

        assert sent("break-glass-reviewed") == ["Owner", "Steward", "Taker"]

    def test_nobody_else_does_and_nobody_twice(self, company, use, taker):
        GroupMemberFactory(group=KnownGroupFactory(key=GroupKey.SECURITY), person=taker)
        GroupMemberFactory(group=KnownGroupFactory(key=GroupKey.SECURITY), person=company.owner)
        for person in (taker, company.owner, company.steward, company.manager):
            with pytest.raises(PermissionDenied):
                self.review(use, person)
        self.review(use, company.security)

        with pytest.raises(PermissionDenied, match="It is reviewed"):
            self.review(use, company.security)

    def test_a_steward_does_where_nobody_of_security_may(self, company, use):
        made = CredentialFactory(identity=company.identity, made_by=company.security)

        assert made.made_by == company.security
        assert self.review(use, company.steward).state == "reviewed"

    def test_words_are_needed_and_it_has_to_be_over(self, company, use, taker):
        with pytest.raises(DomainError, match="Say why"):
            self.review(use, company.security, review=" ")

        with pytest.raises(PermissionDenied, match="still in force"):
            self.review(BreakGlassFactory(taken_by=taker), company.security)

    def test_not_reviewed_in_two_days_it_is_a_finding_until_it_is(self, company, use, system):
        def found():
            findings_recheck(actor=system, rules=["break-glass-unreviewed"])
            rows = Finding.objects.filter(rule="break-glass-unreviewed")
            return list(rows.values_list("state", "subject_id", "agent", "severity"))

        assert found() == []
        late = timezone.now() - timedelta(minutes=1)
        BreakGlass.objects.filter(pk=use.pk).update(review_due_at=late)
        assert found() == [("open", use.pk, company.agent.pk, "high")]
        self.review(use, company.security)

        assert found() == [("resolved", use.pk, company.agent.pk, "high")]


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
