"""Break-glass ends, and is reviewed by somebody else."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from apps.approvals import tasks
from apps.approvals.models import BreakGlass
from apps.approvals.services.break_glass import (
    break_glass_end,
    break_glass_end_due,
    break_glass_review,
)
from apps.approvals.states import BreakGlassState, BreakGlassVerdict, GroupKey
from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.findings.models import Finding
from apps.findings.services import findings_recheck
from apps.grants.models import Grant
from apps.remediation.models import Order
from apps.remediation.services.orders import (
    Proof,
    grants_order_expired,
    order_carried_out,
    order_confirm,
)
from tests.approvals.glass import COMMITTED, let_time_pass, sent, take
from tests.factories.accounts import SeatFactory, UserFactory
from tests.factories.approvals import BreakGlassFactory, GroupMemberFactory, KnownGroupFactory
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import CredentialFactory

pytestmark = pytest.mark.django_db


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
