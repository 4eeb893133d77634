"""What was ended, used all the same, and ended anew: told anew, and dead once it is dead."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.inventory.models import Credential
from apps.inventory.selectors.exposure import exposure_of
from apps.notices.models import Page
from apps.remediation.models import Order
from apps.remediation.selectors.batches import standing_of
from apps.remediation.services import orders, watching
from apps.remediation.services.orders import Proof, order_carried_out, order_confirm
from apps.remediation.states import OrderKind, OrderState
from tests.factories.connectors import ConnectionFactory
from tests.factories.inventory import AgentFactory, BindingFactory, CredentialFactory, SourceFactory
from tests.factories.remediation import OrderFactory
from tests.remediation.test_used_after_by_hand import carried_out, used, watch
from tests.remediation.worker import WHY, WORKER, run

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def ended(person, other):
    """Removed ten hours ago, and nine hours ago recorded as over."""
    order = carried_out(person, ago=10 * HOUR)
    order_confirm(order_id=order.pk, proof=Proof("Listed no more"), actor=other)
    Credential.objects.update(ended_at=timezone.now() - 9 * HOUR)
    return order


def removed_anew(order, person):
    """Six hours ago, as somebody says; nobody has confirmed it yet."""
    order_carried_out(order_id=order.pk, proof=Proof("Really deleted"), actor=person)
    Order.objects.filter(pk=order.pk).update(executed_at=timezone.now() - 6 * HOUR)


def ended_anew(person, other):
    """The same after it was used eight hours ago."""
    order = ended(person, other)
    seen_used(order, 8 * HOUR)
    assert watch() == 1
    removed_anew(order, person)
    order_confirm(order_id=order.pk, proof=Proof("Refused"), actor=other)
    assert watch() == 0
    order.refresh_from_db()
    return order


def seen_used(order, ago):
    Credential.objects.filter(pk=order.credential_id).update(last_used_at=timezone.now() - ago)


def in_trail(order, ago):
    used(order, ago)


def refused(order, ago):
    used(order, ago, "denied")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("use", "state"),
    [
        (seen_used, OrderState.VERIFY_FAILED),
        (in_trail, OrderState.VERIFY_FAILED),
        (refused, OrderState.CONFIRMED),
    ],
)
def test_a_use_after_a_second_end_is_told_and_paged_like_the_first(use, state, person, other):
    order = ended_anew(person, other)
    assert Page.objects.count() == 1

    use(order, 4 * HOUR)

    assert watch() == 1
    assert watch() == 0
    order.refresh_from_db()
    assert order.state == state
    assert Page.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_use_between_a_second_removal_and_its_confirmation_belies_both(person, other):
    order = ended(person, other)
    used(order, 8 * HOUR)
    assert watch() == 1
    removed_anew(order, person)
    used(order, 5 * HOUR)
    assert watch() == 0

    order_confirm(order_id=order.pk, proof=Proof("Refused"), actor=other)

    assert watch() == 1
    order.refresh_from_db()
    assert order.state == OrderState.VERIFY_FAILED


def test_a_use_that_was_looked_up_before_a_second_end_does_not_reopen_it(person, other):
    order = ended(person, other)
    stale = watching._Use(order.pk, timezone.now() - 8 * HOUR, "Told late.", worked=True)
    Order.objects.filter(pk=order.pk).update(effective_by=timezone.now() - 6 * HOUR)

    assert watching._note(stale, WORKER) == 0

    order.refresh_from_db()
    assert order.state == OrderState.CONFIRMED


@pytest.mark.django_db(transaction=True)
def test_after_a_second_end_the_pages_say_that_it_is_dead(as_steward, person, other):
    order = ended(person, other)
    seen_used(order, 8 * HOUR)
    watch()
    credential = Credential.objects.get(pk=order.credential_id)
    assert exposure_of(credential).works
    assert "Used after its end," in as_steward.get(order.get_absolute_url()).text

    removed_anew(order, person)
    order_confirm(order_id=order.pk, proof=Proof("Refused"), actor=other)

    order.refresh_from_db()
    credential.refresh_from_db()
    assert credential.ended_at == order.effective_by
    assert not exposure_of(credential).works
    page = as_steward.get(order.get_absolute_url()).text
    assert "Used after its end," not in page
    assert "Used after an earlier end" in page
    entry = AuditEntry.objects.about(credential, person).first()
    assert entry.changes["ended_at"][1] == credential.ended_at.isoformat()


@pytest.mark.parametrize("over", [{"state": "verified"}, {}])
def test_orders_that_stand_side_by_side_are_all_verified_by_one_source(over, system):
    """Two about one credential: each was used after its end, and is gone now."""
    now = timezone.now()
    source = SourceFactory(stream="countersign:crm")
    if over:
        over["ended_at"] = now - 9 * HOUR
    credential = CredentialFactory(source=source, stream=source.stream, gone_at=now, **over)
    for hours in (6, 5):
        OrderFactory(
            grant=None,
            credential=credential,
            label="key",
            waiting=True,
            executed_at=now - hours * HOUR,
            stopped_at=now - 9 * HOUR,
            effective_by=now - 9 * HOUR,
            used_after_at=now - 8 * HOUR,
        )

    assert orders.orders_check_against_source(source_id=source.pk, actor=system) == 2

    credential.refresh_from_db()
    assert credential.ended_at >= now - 5 * HOUR


@pytest.mark.django_db(transaction=True)
@pytest.mark.xdist_group("ministack")
def test_what_a_connection_removes_anew_is_dead_only_once_it_is_seen_to_be(company, person):
    held = company.key()
    order = run(
        orders.credential_revoke(credential_id=held.credential.pk, reason=WHY, actor=person)
    )
    assert order.is_dead
    past = timezone.now() - 3 * HOUR
    Order.objects.update(executed_at=past, effective_by=past, stopped_at=past)
    seen_used(order, 2 * HOUR)

    assert watch() == 1

    order = run(order)
    assert order.state == OrderState.EXECUTED
    assert order.is_dead
    assert order.stopped_at >= order.executed_at > past


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        ({"state": "executed"}, (1, 0, 0)),
        ({"state": "executed", "executed_at": timezone.now() + HOUR}, (0, 1, 0)),
        ({"state": "verify_failed", "wake_at": timezone.now()}, (0, 1, 0)),
        ({"state": "verify_failed"}, (0, 0, 1)),
        ({"state": "manual_needed"}, (0, 0, 1)),
    ],
)
def test_a_batch_counts_what_was_reopened_as_not_dead(told, counted, person):
    agent = AgentFactory(active=True)
    BindingFactory(agent=agent, identity=CredentialFactory().identity)
    batch = orders.agent_stop(agent_id=agent.pk, reason=WHY, actor=person)
    batch.orders.update(stopped_at=timezone.now(), **told)

    [system] = standing_of(batch).systems

    assert (system.dead, system.under_way, system.by_hand) == counted
    assert system.is_enforced is bool(counted[0])


USED = "It was <b>used after it was ended</b>, so it still works."
SHOWN = "A newer source shows the access again."
BY_HAND = "It has to be removed anew, or excepted with a reason."


@pytest.mark.parametrize(
    ("used_ago", "is_awake", "said"),
    [
        (HOUR, True, "{used} {connection} removes it anew."),
        (HOUR, False, "{used} {by_hand}"),
        (None, True, "It is <b>not gone</b>. {connection} removes it anew."),
        (3 * HOUR, True, "It is <b>not gone</b>. {connection} removes it anew."),
        (None, False, "{shown} {by_hand}"),
    ],
)
def test_the_page_of_a_reopened_order_says_why_and_who_removes_it(
    used_ago, is_awake, said, as_steward
):
    now = timezone.now()
    order = OrderFactory(
        kind=OrderKind.REVOKE,
        grant=None,
        credential=CredentialFactory(),
        label="key",
        state=OrderState.VERIFY_FAILED,
        connection=ConnectionFactory(removing=True),
        effective_by=now - 2 * HOUR,
        used_after_at=used_ago and now - used_ago,
        wake_at=now if is_awake else None,
    )

    page = " ".join(as_steward.get(order.get_absolute_url()).text.split())

    words = {"used": USED, "shown": SHOWN, "by_hand": BY_HAND, "connection": order.connection}
    assert said.format(**words) in page
    others = [USED, SHOWN, BY_HAND, "removes it anew."]
    assert all((one in page) is (one in said.format(**words)) for one in others)
