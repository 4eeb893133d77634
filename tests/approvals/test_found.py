"""Write access that a later reading brings and nothing explains: found, approved, or removed."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone

from apps.approvals.models import AccessRequest
from apps.approvals.services.found import found_order
from apps.approvals.services.provisioning import request_provision, requests_confirm
from apps.approvals.services.votes import Terms
from apps.approvals.states import Choice, RequirementKind
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.findings.models import Finding
from apps.findings.services import findings_recheck
from apps.grants.models import Grant
from apps.remediation.models import Order
from tests.approvals.conftest import PATTERN, ago, brought
from tests.factories.accounts import UserFactory
from tests.factories.approvals import (
    AccessRequestFactory,
    BreakGlassFactory,
    PolicyFactory,
    PolicyRequirementFactory,
    PolicyStepFactory,
)
from tests.factories.grants import GrantFactory
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    IdentityFactory,
    SourceFactory,
    TaskFactory,
)
from tests.factories.remediation import OrderFactory

pytestmark = pytest.mark.django_db

# Each act is committed, as in life: one entry about one thing belongs to one transaction.
COMMITTED = pytest.mark.django_db(transaction=True)


def asking(grant, **changes):
    values = {
        "kind": "found",
        "grant_id": grant.pk,
        "actions": [PATTERN, "customers:Update"],
        "resources": ["customer/1", "customer/2"],
    }
    return {**values, **changes}


def holding(rule, system):
    findings_recheck(actor=system, rules=[rule])
    rows = Finding.objects.holding().filter(rule=rule).order_by("subject_id")
    return list(rows.values_list("subject_id", flat=True))


class TestTheRule:
    def test_it_holds_for_what_a_later_reading_brought_and_not_for_what_was_there(
        self, readings, system
    ):
        first, second = readings
        brought(first)
        write, admin = brought(second), brought(second, admin=True)

        assert holding("grant-unrequested", system) == [write.pk, admin.pk]

    def test_every_stream_has_a_first_reading_of_its_own(self, readings, system):
        other = SourceFactory(stream="another account", read_at=ago(1))
        brought(other)
        late = brought(other, first_seen_at=ago(0))

        assert holding("grant-unrequested", system) == [late.pk]

    def test_without_any_reading_nothing_is_found(self, system):
        GrantFactory()

        assert holding("grant-unrequested", system) == []

    def test_read_access_and_what_is_over_gone_or_the_providers_own_is_not_found(
        self, readings, system
    ):
        second = readings[1]
        brought(second, read=True)
        brought(second, revoked=True)
        brought(second, gone_at=ago(0))
        brought(second, identity=IdentityFactory(is_service_linked=True))

        assert holding("grant-unrequested", system) == []

    def test_a_running_request_explains_it_and_one_that_is_over_does_not(self, readings, system):
        grant = brought(readings[1])
        request = AccessRequestFactory(in_place=True, grant=grant, identity=grant.identity)

        assert holding("grant-unrequested", system) == []
        AccessRequest.objects.filter(pk=request.pk).update(access_ended_at=timezone.now())
        assert holding("grant-unrequested", system) == [grant.pk]

    def test_an_emergency_explains_it_until_its_end_was_seen(self, readings, system):
        grant = brought(readings[1])
        use = BreakGlassFactory(over=True, grant=grant, identity=grant.identity)

        assert holding("grant-unrequested", system) == []
        OrderFactory(
            grant=grant,
            state="verified",
            verified_at=timezone.now(),
            origin_type="approvals.breakglass",
            origin_id=use.pk,
        )
        assert holding("grant-unrequested", system) == [grant.pk]

    def test_the_finding_belongs_to_the_agent_and_the_system(self, company, found, system):
        holding("grant-unrequested", system)

        finding = Finding.objects.get()
        assert (finding.agent, finding.system) == (company.agent, company.system)
        assert finding.subject_label == found.label


class TestRequestsThatNobodyMayApprove:
    def test_no_policy_covers_it_until_one_does(self, company, system):
        request = company.submit()

        assert holding("request-unmeetable", system) == [request.pk]
        assert Finding.objects.get().detail == "No policy covers it"

    def test_not_enough_people_may_judge_it_until_it_is_over(self, company, policy, system):
        company.system.owner = company.owner
        company.system.save(update_fields=["owner"])
        request = company.submit()

        assert holding("request-unmeetable", system) == [request.pk]
        finding = Finding.objects.get()
        assert finding.detail == "Not enough different people may approve it"
        assert finding.agent == company.agent
        AccessRequest.objects.filter(pk=request.pk).update(state="cancelled")
        assert holding("request-unmeetable", system) == []

    def test_one_that_somebody_may_approve_is_no_finding(self, company, policy, system):
        company.submit()

        assert holding("request-unmeetable", system) == []


class TestAskingForItsApproval:
    def test_level_and_tags_are_what_is_held_and_patterns_are_taken(self, company, policy, found):
        request = company.submit(**asking(found))

        assert (request.kind, request.level, request.grant) == ("found", "write", found)
        assert request.tags == ["changes", "sends-out"]
        assert request.actions == [PATTERN, "customers:Update"]
        assert (request.state, request.policy, request.held_before) == ("pending", policy, [])

    @COMMITTED
    def test_approved_it_explains_the_grant_and_sets_its_end(self, company, policy, found, system):
        request = company.approve(**asking(found, days=20))

        assert requests_confirm(actor=system) == 1

        request.refresh_from_db()
        found.refresh_from_db()
        assert (request.state, request.grant) == ("provisioned", found)
        assert (found.request_id, found.expires_at) == (request.pk, request.access_ends_at)
        assert found.justification.reason == request.reason
        assert not Order.objects.exists()
        assert holding("grant-unrequested", system) == []

    @COMMITTED
    def test_what_was_not_asked_for_is_removed_once_the_rest_is_approved(
        self, company, policy, found, system
    ):
        company.approve(**asking(found, actions=["customers:Update"]))

        requests_confirm(actor=system)

        order = Order.objects.get()
        assert (order.kind, order.target) == ("narrow", {"actions": ["customers:Update"]})
        assert "explains the rest of it" in order.reason

    @COMMITTED
    def test_what_reaches_further_than_approved_is_narrowed_before_it_is_in_place(
        self, company, policy, found, system
    ):
        request = company.submit(**asking(found))
        less = Terms(resources=["customer/1"])
        company.vote(request, company.manager, terms=less)
        for person in (company.system_owner, company.security):
            company.vote(request, person)

        assert requests_confirm(actor=system) == 0
        found.statements.update(resources=["customer/1"])
        assert requests_confirm(actor=system) == 1

    @COMMITTED
    def test_a_removal_that_waits_is_taken_back_when_it_is_approved(
        self, company, policy, found, system
    ):
        found_order(grant_id=found.pk, reason="Nobody knows it.", actor=Person(company.owner))
        company.approve(**asking(found))

        requests_confirm(actor=system)

        assert Order.objects.get().state == "rolled_back"

    @COMMITTED
    def test_carried_out_meanwhile_the_removal_stands_until_a_new_reading_shows_it(
        self, company, policy, found, system
    ):
        found_order(grant_id=found.pk, reason="Nobody knows it.", actor=Person(company.owner))
        Order.objects.update(executed_at=timezone.now())
        company.approve(**asking(found))

        assert requests_confirm(actor=system) == 0

    def test_denied_it_stays_found(self, company, policy, found, system):
        request = company.submit(**asking(found))

        company.vote(request, company.manager, Choice.DENY)

        request.refresh_from_db()
        assert request.state == "denied"
        assert holding("grant-unrequested", system) == [found.pk]

    @pytest.mark.parametrize(
        ("wider", "said"),
        [
            ({"actions": ["customers:Purge"]}, "asks for no more"),
            ({"resources": ["*"]}, "asks for no more"),
            ({"actions": []}, "at least one permission"),
            ({"service": "deals"}, "of the same access"),
            ({"task_id": None}, "which task"),
            ({"days": None}, "lasts at most 90 days"),
            ({"days": 91}, "lasts at most 90 days"),
        ],
    )
    def test_it_asks_for_no_more_than_there_is_and_for_a_task_and_an_end(
        self, company, policy, found, wider, said
    ):
        with pytest.raises(DomainError, match=said):
            company.submit(**asking(found, **wider))

    def test_what_is_explained_over_or_read_access_is_not_asked_for_so(
        self, company, policy, found
    ):
        def refused(said):
            with pytest.raises(PermissionDenied, match=said):
                company.submit(**asking(found))

        request = AccessRequestFactory(in_place=True, grant=found, identity=found.identity)
        refused("explained already")
        AccessRequest.objects.filter(pk=request.pk).update(access_ended_at=timezone.now())
        Grant.objects.update(level="read")
        refused("Read access is the default")
        Grant.objects.update(gone_at=timezone.now())
        refused("has ended")

    def test_an_agent_that_does_not_act_as_its_identity_asks_in_vain(self, company, policy, found):
        other = AgentFactory(active=True, owner=company.owner)
        task = TaskFactory(agent=other)

        with pytest.raises(DomainError, match="does not act as that identity"):
            company.submit(**asking(found, agent_id=other.pk, task_id=task.pk))

    def test_asked_for_twice_it_is_joined_and_for_another_agent_refused(
        self, company, policy, found
    ):
        first = company.submit(**asking(found))
        again = company.submit(company.steward, **asking(found, actions=[PATTERN]))
        other = BindingFactory(
            identity=company.identity, agent=AgentFactory(active=True, owner=company.owner)
        ).agent

        assert again == first
        assert first.notes.get().author == company.steward
        task = TaskFactory(agent=other)
        with pytest.raises(DomainError, match="asked for already, for"):
            company.submit(**asking(found, agent_id=other.pk, task_id=task.pk))

    def test_a_combination_it_is_part_of_is_judged_as_if_it_were_not_there(self, company, found):
        """Otherwise what went past everybody would meet the mildest of the policies."""
        strict = PolicyFactory(position=1, match={"combinations": ["*"]})
        step = PolicyStepFactory(policy=strict, position=1)
        PolicyRequirementFactory(step=step, kind=RequirementKind.SECURITY)
        PolicyFactory(position=2)
        for tag in ("reads-private", "takes-untrusted"):
            GrantFactory(identity=company.identity, service=tag, read=True, tags=[tag])

        request = company.submit(**asking(found))

        assert request.policy == strict
        assert request.combinations


class TestOrderingItsRemoval:
    @pytest.mark.parametrize("who", ["owner", "manager", "system_owner", "steward"])
    def test_who_answers_for_agent_or_system_orders_it_with_a_reason(self, company, found, who):
        actor = Person(getattr(company, who))

        with pytest.raises(DomainError, match="Say why"):
            found_order(grant_id=found.pk, reason=" ", actor=actor)
        order = found_order(grant_id=found.pk, reason="Nobody needs it.", actor=actor)

        assert (order.kind, order.state, order.grant) == ("revoke", "manual_needed", found)
        assert order.decided_by == actor.user
        assert order.reason == "Nobody asked for it here. Nobody needs it."
        found.refresh_from_db()
        assert found.state == "active"

    def test_nobody_else_does(self, company, found, auditor):
        for person in (UserFactory(), company.security, auditor):
            with pytest.raises(PermissionDenied):
                found_order(grant_id=found.pk, reason="Nobody needs it.", actor=Person(person))

        assert not Order.objects.exists()

    def test_there_is_one_open_removal_at_a_time(self, company, found):
        found_order(grant_id=found.pk, reason="Nobody needs it.", actor=Person(company.owner))

        with pytest.raises(PermissionDenied, match="ordered already"):
            found_order(grant_id=found.pk, reason="Still here.", actor=Person(company.steward))

    def test_what_is_explained_is_not_removed_so(self, company, found):
        AccessRequestFactory(in_place=True, grant=found, identity=found.identity)

        with pytest.raises(PermissionDenied, match="explained already"):
            found_order(grant_id=found.pk, reason="Not needed.", actor=Person(company.owner))

    @COMMITTED
    def test_two_who_order_at_one_moment_make_one_order(self, company, found):
        barrier, said = Barrier(2), []

        def order(person):
            barrier.wait()
            try:
                found_order(grant_id=found.pk, reason="Nobody needs it.", actor=Person(person))
            except PermissionDenied as error:
                said.append(str(error))
            finally:
                connection.close()

        threads = [Thread(target=order, args=[one]) for one in (company.owner, company.steward)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)

        assert Order.objects.count() == 1
        assert said == ["Its removal is ordered already."]


@COMMITTED
def test_put_in_place_by_hand_it_explains_the_grant_as_well(company, policy, found):
    request = company.approve(**asking(found))

    request_provision(request_id=request.pk, proof="Looked.", actor=Person(company.steward))

    found.refresh_from_db()
    assert found.request_id == request.pk


def test_a_grant_held_by_patterns_is_renewed(company, policy, found):
    Grant.objects.update(expires_at=timezone.now() + timedelta(days=5))

    request = company.submit(**asking(found, kind="renewal"))

    assert (request.kind, request.actions) == ("renewal", [PATTERN, "customers:Update"])
    assert request.tags == ["changes", "sends-out"]
