"""What no connection can rotate is somebody's task; and what people may do to a rotation."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from apps.core.actors import Person, System
from apps.core.errors import DomainError
from apps.inventory.models import Credential
from apps.inventory.states import CredentialState
from apps.notices.models import Notice
from apps.remediation.services.orders import OrderRequest, Proof, order_confirm, orders_plan
from apps.remediation.states import OrderKind, OrderState
from apps.rotation.models import Rotation
from apps.rotation.services.acting import (
    rotation_done_by_hand,
    rotation_drop,
    rotation_take_over,
    rotation_try_again,
)
from apps.rotation.services.planning import orders_take, rotation_plan
from apps.rotation.services.settling import rotations_settle
from apps.rotation.states import ROTATION_MOVES, RotationState, RotationWay
from tests.factories.accounts import UserFactory
from tests.factories.inventory import AgentFactory, BindingFactory, CredentialFactory
from tests.factories.rotation import RotationFactory
from tests.rotation.company import owned_by, rotate, run

pytestmark = pytest.mark.django_db
DID = "Made a new one in the console and put it in the vault."


def ordered(credential, person, **more):
    request = OrderRequest(
        kind=OrderKind.ROTATE,
        label=str(credential),
        reason="Decided in a review.",
        decided_at=timezone.now(),
        credential_id=credential.pk,
        decided_by_id=person.pk,
        origin_type="reviews.reviewitem",
        origin_id=credential.pk,
        **more,
    )
    return orders_plan(requests=[request], actor=Person(person))[0]


def test_what_no_connection_can_rotate_is_a_task_of_whoever_keeps_its_agent_running(steward):
    keeper = UserFactory()
    credential = CredentialFactory(rotation_days=30)
    BindingFactory(
        agent=AgentFactory(technical_owner=keeper, owner=UserFactory()),
        identity=credential.identity,
    )

    rotation = rotate(credential, steward)

    credential.refresh_from_db()
    assert (rotation.state, rotation.owner) == (RotationState.BY_HAND, keeper)
    assert rotation.why_by_hand == "No connection that may issue speaks for its system."
    assert rotation.due_at == credential.rotation_due_at
    assert [step["title"][:10] for step in rotation.plan["steps"]] == [
        "Make a new",
        "In System ",
        "In System ",
    ]
    told = Notice.objects.get()
    assert (told.recipient, told.subject) == (
        keeper,
        f"The rotation of {rotation.label} is yours to carry out",
    )


def test_done_by_hand_with_a_new_id_the_old_one_goes_after_the_overlap(steward):
    owner = UserFactory()
    credential = owned_by(owner, CredentialFactory())
    rotation = rotate(credential, steward, overlap_days=3)

    rotation = rotation_done_by_hand(
        rotation_id=rotation.pk, told=DID, new_id="key-new", actor=Person(owner)
    )

    assert rotation.state == RotationState.SWITCHED
    assert rotation.retire_at - rotation.switched_at == timedelta(days=3)
    new = rotation.new_credential
    assert (new.external_id, new.identity, new.kind) == (
        "key-new",
        credential.identity,
        credential.kind,
    )
    Rotation.objects.update(wake_at=timezone.now())
    rotation = run(rotation)
    assert rotation.state == RotationState.RETIRING
    # No connection removes it either, so a person does.
    assert rotation.retirement.state == OrderState.MANUAL_NEEDED


def test_done_by_hand_under_its_old_id_its_order_waits_for_somebody_else(steward):
    owner = UserFactory()
    credential = owned_by(owner, CredentialFactory(rotation_days=30))
    order = ordered(credential, steward)
    orders_take(actor=System("test"))
    rotation = Rotation.objects.get(order=order)

    rotation_done_by_hand(rotation_id=rotation.pk, told=DID, actor=Person(owner))

    rotation.refresh_from_db()
    credential.refresh_from_db()
    order.refresh_from_db()
    assert rotation.state == RotationState.DONE
    assert credential.rotated_at is not None
    assert credential.state == CredentialState.ACTIVE
    assert (order.state, order.executed_by) == (OrderState.MANUAL_NEEDED, owner)


def test_a_confirmed_rotation_under_its_old_id_does_not_end_the_credential(steward):
    owner = UserFactory()
    credential = owned_by(owner, CredentialFactory())
    order = ordered(credential, steward)
    orders_take(actor=System("test"))
    rotation = Rotation.objects.get(order=order)
    rotation_done_by_hand(rotation_id=rotation.pk, told=DID, actor=Person(owner))

    order_confirm(order_id=order.pk, proof=Proof(text="Signed in with it."), actor=Person(steward))

    credential.refresh_from_db()
    order.refresh_from_db()
    assert order.state == OrderState.CONFIRMED
    assert credential.state == CredentialState.ACTIVE


def test_the_old_id_is_no_new_one(steward):
    rotation = rotate(CredentialFactory(external_id="key-old"), steward)

    with pytest.raises(DomainError, match="the old one's id"):
        rotation_done_by_hand(
            rotation_id=rotation.pk, told=DID, new_id=" key-old ", actor=Person(steward)
        )

    rotation.refresh_from_db()
    assert rotation.state == RotationState.BY_HAND


def test_an_order_of_a_review_becomes_a_rotation_once(steward):
    credential = CredentialFactory()
    due = timezone.now() + timedelta(days=7)
    order = ordered(credential, steward, due_at=due)

    assert orders_take(actor=System("test")) == 1
    assert orders_take(actor=System("test")) == 0

    rotation = Rotation.objects.get()
    assert (rotation.order, rotation.due_at, rotation.reason) == (order, due, order.reason)


def test_an_order_is_verified_once_a_source_shows_that_its_task_was_done(steward):
    credential = CredentialFactory()
    order = ordered(credential, steward)
    orders_take(actor=System("test"))
    assert rotations_settle(actor=System("test")) == 0

    Credential.objects.filter(pk=credential.pk).update(rotated_at=timezone.now())
    assert rotations_settle(actor=System("test")) == 1

    order.refresh_from_db()
    credential.refresh_from_db()
    assert order.state == OrderState.VERIFIED
    assert "Its source shows that it is done" in order.verified_how
    assert credential.state == CredentialState.ACTIVE


def test_nobody_else_rotates_it(reviewer, auditor):
    credential = owned_by(UserFactory(), CredentialFactory())

    for person in (reviewer, auditor):
        with pytest.raises(PermissionDenied, match="the owner or technical owner"):
            rotation_plan(credential_id=credential.pk, reason="I want to.", actor=Person(person))

    assert not Rotation.objects.exists()


def test_a_credential_is_rotated_once_at_a_time(steward):
    credential = CredentialFactory()
    rotate(credential, steward)

    with pytest.raises(PermissionDenied, match="being rotated already"):
        rotate(credential, steward)


@pytest.mark.parametrize("kind", ["managed", "lease"])
def test_what_holds_no_secret_for_long_is_not_rotated(steward, kind):
    with pytest.raises(PermissionDenied, match="nothing to rotate"):
        rotate(CredentialFactory(kind=kind), steward)


def test_a_place_that_is_none_is_refused(steward):
    with pytest.raises(DomainError, match="An ARN of Secrets Manager"):
        rotate(CredentialFactory(), steward, place="under the mat")

    assert not Rotation.objects.exists()


def test_a_failed_one_is_taken_over_dropped_or_tried_again(steward):
    taken = RotationFactory(state=RotationState.FAILED, way=RotationWay.IN_PLACE)
    dropped = RotationFactory(state=RotationState.FAILED, way=RotationWay.IN_PLACE)
    again = RotationFactory(state=RotationState.FAILED, way=RotationWay.IN_PLACE)
    actor = Person(steward)

    rotation_take_over(rotation_id=taken.pk, reason="The function is broken.", actor=actor)
    rotation_drop(rotation_id=dropped.pk, reason="It is retired next week.", actor=actor)
    rotation_try_again(rotation_id=again.pk, reason="The function is mended.", actor=actor)

    states = [Rotation.objects.get(pk=one.pk).state for one in (taken, dropped, again)]
    assert states == [RotationState.BY_HAND, RotationState.DROPPED, RotationState.PLANNED]


def test_one_that_left_a_key_behind_is_not_just_dropped(steward):
    rotation = RotationFactory(state=RotationState.FAILED, new_id="AKIALEFTBEHIND")

    with pytest.raises(PermissionDenied, match="It left AKIALEFTBEHIND behind"):
        rotation_drop(rotation_id=rotation.pk, reason="Away with it.", actor=Person(steward))


@pytest.mark.parametrize("now", RotationState)
@pytest.mark.parametrize("then", RotationState)
def test_every_state_leads_only_where_its_table_says(now, then):
    assert ROTATION_MOVES.can(now, then) == (then in ROTATION_MOVES.moves[now])
    assert ROTATION_MOVES.is_final(now) == (now in {RotationState.DONE, RotationState.DROPPED})


def test_a_key_that_its_source_may_list_under_another_id_is_not_taken_for_rotated(steward):
    placed = CredentialFactory(kind="access-key", stream="keys", facts={"by_place": True})
    owner = UserFactory()
    order = ordered(placed, owner)
    rotation = rotate(placed, steward)
    shown = CredentialFactory(identity=placed.identity, kind="access-key", stream="keys")
    Credential.objects.filter(pk=shown.pk).update(issued_at=placed.issued_at)
    Credential.objects.filter(pk=placed.pk).update(gone_at=timezone.now())

    assert rotations_settle(actor=System("test")) == 0
    order.refresh_from_db()
    assert order.state == OrderState.MANUAL_NEEDED

    Credential.objects.filter(pk=shown.pk).update(gone_at=timezone.now())
    assert rotations_settle(actor=System("test")) == 1
    rotation.refresh_from_db()
    assert rotation.state == RotationState.DONE
