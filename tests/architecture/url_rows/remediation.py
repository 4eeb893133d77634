from django.utils import timezone

from tests.architecture.url_matrix import EVERYBODY, RECORD, Row
from tests.factories.accounts import UserFactory
from tests.factories.remediation import OrderFactory


def _waiting():
    return [OrderFactory(waiting=True).pk]


def _carried_out():
    order = OrderFactory(
        waiting=True, executed_at=timezone.now(), executed_by=UserFactory(steward=True)
    )
    return [order.pk]


def _proof_without_file():
    order = OrderFactory(waiting=True)
    proof = order.proofs.create(kind="done", text="Detached.", given_by_label="test")
    return [order.pk, proof.pk]


ROWS = {
    "remediation:order_list": Row(EVERYBODY),
    "remediation:order_detail": Row(RECORD, _waiting),
    "remediation:order_carry_out": Row(RECORD, _waiting, overrides={"auditor": 403}),
    "remediation:order_confirm": Row(RECORD, _carried_out, overrides={"auditor": 403}),
    "remediation:order_except": Row(RECORD, _waiting, overrides={"auditor": 403}),
    # Words alone: there is no file to give.
    "remediation:proof_file": Row(
        RECORD, _proof_without_file, overrides={"steward": 404, "auditor": 404}
    ),
}
