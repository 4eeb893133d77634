"""Orders as a worker carries them on."""

from apps.core.actors import System
from apps.remediation.services import orders

WORKER = System("test")
WHY = "It was seen in a public place."


def run(order):
    return orders.order_run(order_id=order.pk, actor=WORKER)
