import time
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.core.actors import Channel, System
from apps.core.errors import DomainError
from apps.inventory.models import Credential
from apps.remediation.models import Order
from apps.remediation.services.ending import credential_kill
from apps.remediation.services.running import order_run
from apps.remediation.states import OrderState, StepStatus

PATIENCE = timedelta(minutes=5)
UNDER_WAY = {
    OrderState.PLANNED,
    OrderState.EXECUTING,
    OrderState.RETRYING,
    OrderState.VERIFY_FAILED,
}


class Command(BaseCommand):
    help = (
        "Kill a credential now, from this process: neither the web nor the broker nor a worker is "
        "needed. Give its number in Countersign, or its own id (AKIA...), never the secret."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("credential", help="its number here, or its own id")
        parser.add_argument(
            "--reason", default="Killed from the command line.", help="why; kept in the record"
        )

    def handle(self, *args: Any, credential: str, reason: str, **options: Any) -> None:
        actor = System("credential_kill", Channel.COMMAND)
        found = self._found(credential)
        try:
            order = credential_kill(credential_id=found.pk, reason=reason, actor=actor)
        except DomainError as error:
            raise CommandError(str(error)) from error
        order = self._carried_out(order, actor)
        for step in order.steps.exclude(status=StepStatus.WAITING):
            self.stdout.write(f"{step.get_status_display()}: {step.title} {step.said}")
        self.stdout.write(f"Order {order.pk}: {order.get_state_display()}. {order.stopped_how}")
        if order.state == OrderState.MANUAL_NEEDED:
            commands = [step["command"] for step in order.plan["steps"] if step["command"]]
            raise CommandError(
                f"It is not dead. {order.trouble or 'No connection can do this.'} By hand:\n  "
                + "\n  ".join(commands or [step["title"] for step in order.plan["steps"]])
            )

    def _found(self, given: str) -> Credential:
        by_id = Credential.objects.filter(external_id=given)
        found = list(by_id[:2]) or list(
            Credential.objects.filter(pk=given if given.isdigit() else 0)
        )
        if len(found) == 1:
            return found[0]
        why = (
            "Several have this id: give its number here." if found else "There is none of this id."
        )
        raise CommandError(why)

    def _carried_out(self, order: Order, actor: System) -> Order:
        """Run it until it no longer works, a person must, or five minutes have passed."""
        until = timezone.now() + PATIENCE
        while True:
            order = order_run(order_id=order.pk, actor=actor)
            is_under_way = order.state in UNDER_WAY or (
                order.state == OrderState.EXECUTED and not order.is_stopped
            )
            if not is_under_way or order.connection_id is None or timezone.now() > until:
                return order
            time.sleep(0.5)
