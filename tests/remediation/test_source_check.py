"""What a source verifies by its silence, and what it does not."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.connectors.models import Sync
from apps.inventory.models import Credential
from apps.inventory.states import BY_PLACE
from apps.remediation.services.orders import OrderRequest, orders_check_against_source, orders_plan
from apps.remediation.states import OrderKind, OrderState
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import CredentialFactory, IdentityFactory, SourceFactory
from tests.factories.remediation import OrderFactory

pytestmark = pytest.mark.django_db
STREAM = "aws-credential-report:000000000000"
MADE = datetime(2026, 3, 1, 12, tzinfo=UTC)
SEEN = MADE + timedelta(days=30)
BEFORE, AFTER = MADE - timedelta(days=9), SEEN + timedelta(days=1)
PLACED, BY_ID = {BY_PLACE: True}, {}


def read(stream=STREAM, *, kinds=("credential", "grant"), protected=(), **more):
    source = SourceFactory(stream=stream, read_at=AFTER + timedelta(days=1), **more)
    Sync.objects.create(
        format=source.format,
        file_name="report.csv",
        header={"kinds": list(kinds)},
        protected=list(protected),
        source=source,
        brought_by_label="test",
        channel="command",
    )
    return source


def verified(order, source, system):
    orders_check_against_source(source_id=source.pk, actor=system)
    order.refresh_from_db()
    return order.state == "verified"


def key_order(**more):
    values = {"stream": STREAM, "kind": "access-key", "last_seen_at": SEEN, "gone_at": AFTER}
    credential = CredentialFactory(**values | more)
    return OrderFactory(grant=None, credential=credential, label="A key", waiting=True)


@pytest.mark.parametrize(
    ("gone", "shown", "told_apart"),
    [
        ((BY_ID, MADE), (BY_ID, MADE), True),
        ((BY_ID, MADE), (PLACED, MADE), False),
        ((BY_ID, MADE), (PLACED, BEFORE), False),
        ((PLACED, MADE), (BY_ID, MADE), False),
        ((PLACED, MADE), (BY_ID, BEFORE), False),
        ((PLACED, MADE), (BY_ID, None), False),
        ((PLACED, MADE), (BY_ID, AFTER), True),
        ((PLACED, MADE), (PLACED, MADE), False),
        ((PLACED, MADE), (PLACED, BEFORE), True),
        ((PLACED, MADE), (PLACED, AFTER), False),
        ((PLACED, MADE), (PLACED, None), False),
        ((PLACED, None), (PLACED, BEFORE), False),
    ],
)
def test_a_key_is_gone_only_if_none_that_is_shown_can_be_it(gone, shown, told_apart, system):
    facts, issued_at = gone
    order = key_order(facts=facts, issued_at=issued_at)
    identity = order.credential.identity
    of_it = {"identity": identity, "kind": "access-key", "stream": STREAM}
    CredentialFactory(**of_it, facts=shown[0], issued_at=shown[1])

    assert Credential.objects.lost_sight_of().exists() is not told_apart
    assert verified(order, read(), system) is told_apart


def test_what_is_only_lost_from_sight_is_still_to_be_removed(system):
    order = key_order(facts=PLACED, issued_at=MADE)
    lost = order.credential
    asked = OrderRequest(
        kind=OrderKind.REVOKE,
        label="A key",
        reason="Nobody uses it.",
        decided_at=AFTER,
        credential_id=lost.pk,
        origin_type="reviews.reviewitem",
        origin_id=7,
    )
    shown = CredentialFactory(identity=lost.identity, kind="access-key", stream=STREAM)
    Credential.objects.filter(pk=shown.pk).update(issued_at=MADE)

    [planned] = orders_plan(requests=[asked], actor=system)

    assert planned.state == OrderState.MANUAL_NEEDED


def test_orders_that_stand_side_by_side_are_all_verified(system):
    """What a person revokes may wait to be suspended already, and a key that is to be revoked may
    be killed: the one that is looked at second finds its subject over."""
    stream = {"stream": STREAM, "gone_at": AFTER}
    grant, credential = GrantFactory(**stream), CredentialFactory(**stream)
    for kind in (OrderKind.REVOKE, OrderKind.SUSPEND):
        OrderFactory(grant=grant, kind=kind, waiting=True)
    for kind in (OrderKind.REVOKE, OrderKind.KILL):
        OrderFactory(grant=None, credential=credential, label="A key", kind=kind, waiting=True)

    assert orders_check_against_source(source_id=read().pk, actor=system) == 4

    grant.refresh_from_db()
    credential.refresh_from_db()
    assert (grant.state, credential.state) == ("revoked", "verified")


@pytest.mark.parametrize(
    "other",
    [
        {"identity": None},
        {"kind": "certificate"},
        {"stream": "another"},
        {"gone_at": AFTER},
    ],
)
def test_what_is_of_another_or_gone_itself_casts_no_doubt(other, system):
    order = key_order(facts=PLACED, issued_at=MADE)
    values = {"identity": order.credential.identity, "kind": "access-key", "stream": STREAM}
    values |= other
    values["identity"] = values["identity"] or IdentityFactory()
    CredentialFactory(**values, issued_at=MADE)

    assert verified(order, read(), system)


@pytest.mark.parametrize(
    ("reading", "counts"),
    [
        ({}, True),
        ({"protected": [["credential", ""]]}, False),
        ({"protected": [["identity", "arn:aws:iam::000000000000:user/agent"]]}, False),
        ({"kinds": ["identity"]}, False),
    ],
)
def test_what_was_gone_before_is_verified_only_by_a_source_that_looked_for_it(
    reading, counts, system
):
    order = key_order()

    assert verified(order, read(**reading), system) is counts


def narrowing(kept, *, source):
    grant = GrantFactory(stream=STREAM, source=source)
    return OrderFactory(grant=grant, waiting=True, kind=OrderKind.NARROW, target={"actions": kept})


def test_a_grant_that_was_read_anew_and_carries_no_more_is_narrowed(system):
    source = read()
    order = narrowing(["ses:SendEmail"], source=source)
    GrantStatementFactory(grant=order.grant, actions=["ses:SendEmail"])

    assert verified(order, source, system)


def test_a_grant_that_was_not_read_anew_is_not_narrowed(system):
    order = narrowing(["ses:SendEmail"], source=read("older"))
    GrantStatementFactory(grant=order.grant, actions=["ses:SendEmail"])

    assert not verified(order, read(), system)


def test_a_grant_of_which_no_source_tells_the_actions_is_not_narrowed(system):
    source = read()
    order = narrowing(["ses:SendEmail"], source=source)

    assert not verified(order, source, system)
