from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.core.errors import DomainError, IllegalTransition
from apps.grants.states import GrantState, Level
from apps.inventory.states import CredentialState
from apps.remediation.models import Order
from apps.remediation.services.orders import (
    OrderRequest,
    Proof,
    order_carried_out,
    order_confirm,
    order_except,
    orders_check_against_source,
    orders_plan,
    orders_replan_ended_exceptions,
    suspensions_escalate,
)
from apps.remediation.states import ORDER_MOVES, OrderKind, OrderState
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import BindingFactory, CredentialFactory, SourceFactory
from tests.factories.remediation import OrderFactory

pytestmark = pytest.mark.django_db


def asked(**changes) -> OrderRequest:
    values = {
        "kind": OrderKind.REVOKE,
        "label": "svc · CRM · customers · write",
        "reason": "Not needed any more",
        "decided_at": timezone.now(),
        "origin_type": "reviews.reviewitem",
        "origin_id": 7,
    }
    return OrderRequest(**values | changes)


def aws_grant(**changes):
    grant = GrantFactory(identity__system__kind="aws", identity__kind="iam-user", **changes)
    GrantStatementFactory(
        grant=grant, policy="arn:aws:iam::123456789012:policy/mail", actions=["ses:SendEmail"]
    )
    return grant


def test_a_planned_order_needs_a_person_and_says_how(system):
    grant = aws_grant()

    [order] = orders_plan(requests=[asked(grant_id=grant.pk)], actor=system)

    order.refresh_from_db()
    commands = [step["command"] for step in order.plan["steps"]]
    assert order.state == OrderState.MANUAL_NEEDED
    assert f"--policy-name countersign-revoke-{order.pk}" in commands[0]
    assert '"Effect":"Deny","Action":["ses:SendEmail"]' in commands[0]
    assert commands[1].startswith(
        f"aws iam detach-user-policy --user-name {grant.identity.name} --policy-arn arn:aws:iam"
    )
    assert "-     ses:SendEmail" in order.plan["diff"]


def test_a_policy_that_carries_another_grant_is_edited_not_detached(system):
    grant = aws_grant()
    other = GrantFactory(identity=grant.identity, service="s3")
    GrantStatementFactory(grant=other, policy="arn:aws:iam::123456789012:policy/mail")

    [order] = orders_plan(requests=[asked(grant_id=grant.pk)], actor=system)

    noted, cut = (step["command"] for step in order.plan["steps"][1:3])
    assert noted.startswith("aws iam get-policy --policy-arn ")
    assert "create-policy-version" in cut


def test_the_same_origin_orders_once(system):
    request = asked(grant_id=GrantFactory().pk)

    first = orders_plan(requests=[request], actor=system)
    second = orders_plan(requests=[request], actor=system)

    assert [order.pk for order in first] == [order.pk for order in second]
    assert Order.objects.count() == 1


def test_what_is_gone_already_needs_no_order(system):
    grant = GrantFactory(gone_at=timezone.now())

    [order] = orders_plan(requests=[asked(grant_id=grant.pk)], actor=system)

    assert order.state == OrderState.NOT_APPLICABLE


def test_an_order_changes_nothing_until_it_is_confirmed_by_somebody_else(steward, system):
    grant = GrantFactory()
    [order] = orders_plan(requests=[asked(grant_id=grant.pk)], actor=system)
    other = UserFactory(steward=True)

    order_carried_out(order_id=order.pk, proof=Proof("Detached"), actor=Person(steward))
    with pytest.raises(PermissionDenied, match="somebody else"):
        order_confirm(order_id=order.pk, proof=Proof("Looked"), actor=Person(steward))
    grant.refresh_from_db()
    assert grant.state == GrantState.ACTIVE

    order_confirm(order_id=order.pk, proof=Proof("Not listed any more"), actor=Person(other))
    connection.check_constraints()
    grant.refresh_from_db()
    order.refresh_from_db()
    assert (grant.state, order.state) == (GrantState.REVOKED, OrderState.CONFIRMED)
    assert AuditEntry.objects.filter(target_type="grants.grant").count() == 1


def test_nothing_is_proof_of_nothing(steward):
    order = OrderFactory(waiting=True)

    with pytest.raises(DomainError, match="attach a file"):
        order_carried_out(order_id=order.pk, proof=Proof("  "), actor=Person(steward))

    order.refresh_from_db()
    assert order.executed_at is None


def test_a_proof_file_is_kept_by_its_digest(steward, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    order = OrderFactory(waiting=True)
    upload = SimpleUploadedFile("../../shot.png", b"picture")

    order_carried_out(order_id=order.pk, proof=Proof(file=upload), actor=Person(steward))

    proof = order.proofs.get()
    assert (proof.file_name, proof.file_bytes) == ("shot.png", 7)
    assert (tmp_path / "proofs" / proof.file_sha256).read_bytes() == b"picture"


def test_a_newer_source_verifies_what_it_no_longer_shows(system):
    grant = GrantFactory(stream="countersign:crm")
    kept = GrantFactory(stream="countersign:crm")
    for number, each in enumerate([grant, kept]):
        orders_plan(requests=[asked(grant_id=each.pk, origin_id=number)], actor=system)
    grant.gone_at = timezone.now()
    grant.save()
    source = SourceFactory(stream="countersign:crm")

    assert orders_check_against_source(source_id=source.pk, actor=system) == 1
    assert orders_check_against_source(source_id=source.pk, actor=system) == 0

    connection.check_constraints()
    states = dict(Order.objects.values_list("grant_id", "state"))
    assert states == {grant.pk: OrderState.VERIFIED, kept.pk: OrderState.MANUAL_NEEDED}
    grant.refresh_from_db()
    assert grant.state == GrantState.REVOKED
    assert Order.objects.get(grant=grant).proofs.get().source == source


def test_access_that_comes_back_fails_its_verification(system):
    grant = GrantFactory(stream="countersign:crm", gone_at=timezone.now(), revoked=True)
    order = OrderFactory(
        grant=grant,
        state=OrderState.VERIFIED,
        verified_at=timezone.now() - timedelta(hours=1),
    )
    source = SourceFactory(stream="countersign:crm")
    GrantFactory(
        identity=grant.identity, service=grant.service, source=source, stream=source.stream
    )

    orders_check_against_source(source_id=source.pk, actor=system)

    order.refresh_from_db()
    assert order.state == OrderState.VERIFY_FAILED


def test_a_credential_is_verified_dead_when_its_order_is_confirmed(steward, system):
    credential = CredentialFactory()
    [order] = orders_plan(requests=[asked(credential_id=credential.pk)], actor=system)
    order_carried_out(order_id=order.pk, proof=Proof("Deleted"), actor=Person(steward))

    order_confirm(
        order_id=order.pk, proof=Proof("Listed no more"), actor=Person(UserFactory(steward=True))
    )

    credential.refresh_from_db()
    assert credential.state == CredentialState.VERIFIED


def test_an_exception_ends_and_the_order_is_taken_up_again(steward, system):
    order = OrderFactory(waiting=True)
    order_except(
        order_id=order.pk,
        reason="The release needs it until Friday",
        until=timezone.localdate() + timedelta(days=3),
        actor=Person(steward),
    )
    assert orders_replan_ended_exceptions(actor=system) == 0
    Order.objects.update(exception_until=timezone.localdate() - timedelta(days=1))

    assert orders_replan_ended_exceptions(actor=system) == 1

    order.refresh_from_db()
    assert order.state == OrderState.MANUAL_NEEDED


def test_a_suspension_becomes_a_revoke_order_on_day_15_once(system):
    order = OrderFactory(
        waiting=True, kind=OrderKind.SUSPEND, decided_at=timezone.now() - timedelta(days=15)
    )
    OrderFactory(
        waiting=True, kind=OrderKind.SUSPEND, decided_at=timezone.now() - timedelta(days=13)
    )

    assert suspensions_escalate(actor=system) == 1
    assert suspensions_escalate(actor=system) == 0

    assert Order.objects.get(follows=order).kind == OrderKind.REVOKE


def test_narrowing_to_a_lower_level_ends_the_higher_grant(steward, system):
    grant = GrantFactory(level=Level.ADMIN)
    request = asked(kind=OrderKind.NARROW, grant_id=grant.pk, target={"level": "read"})
    [order] = orders_plan(requests=[request], actor=system)
    order_carried_out(order_id=order.pk, proof=Proof("Edited"), actor=Person(steward))

    order_confirm(
        order_id=order.pk, proof=Proof("Read only now"), actor=Person(UserFactory(steward=True))
    )

    grant.refresh_from_db()
    assert grant.state == GrantState.REVOKED


@pytest.mark.parametrize("now", OrderState.values)
@pytest.mark.parametrize("target", OrderState.values)
def test_every_pair_of_states_is_ruled(now, target):
    if ORDER_MOVES.can(now, target):
        ORDER_MOVES.check(now, target)
    else:
        with pytest.raises(IllegalTransition):
            ORDER_MOVES.check(now, target)


def test_a_reviewer_sees_the_orders_of_their_own_agents_only(reviewer):
    mine = OrderFactory()
    BindingFactory(identity=mine.grant.identity, agent__owner=reviewer)
    OrderFactory()

    assert list(Order.objects.visible_to(Person(reviewer))) == [mine]
