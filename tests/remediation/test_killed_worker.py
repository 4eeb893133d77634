"""A worker killed with -9 between any two things an order does: another goes on, and it ends right.

The worker is a process of its own, stopped dead at one moment; AWS is asked for real.
"""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.core.actors import Person, System
from apps.inventory.states import CredentialState
from apps.remediation.models import Order
from apps.remediation.services import orders
from apps.remediation.states import OrderKind, OrderState
from config.celery import app as celery_app
from tests.factories.accounts import UserFactory
from tests.processes import database_url
from tests.remediation.aws import Company

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("ministack")]
WHY = "It was seen in a public place."

# Dies at one moment: as the n-th question to the provider is about to be asked, or once it was
# answered and before the answer is kept.
WORKER = """
import os, signal, sys
import django
django.setup()
from apps.core.actors import System
from apps.connectors.adapters.aws import AwsAdapter
from apps.remediation.services.running import order_run
left = int(sys.argv[2])
def dying(ask):
    def asked(self, *args):
        global left
        left -= 1
        if left == 0 and sys.argv[3] == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = ask(self, *args)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
    return asked
for name in ("run", "undo", "verify"):
    setattr(AwsAdapter, name, dying(getattr(AwsAdapter, name)))
order_run(order_id=int(sys.argv[1]), actor=System("killed"))
"""


def killed_worker(order, question, moment):
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(order.pk), str(question), moment],
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
        },
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.fixture
def company(ministack, monkeypatch):
    """Orders are planned, and nobody carries them out before the test does."""
    celery_app.conf.task_always_eager = False
    yield Company(ministack, monkeypatch)
    celery_app.conf.task_always_eager = True
    celery_app.control.purge()


def go_on():
    return orders.orders_run_awake(actor=System("another"))


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("question", [1, 2, 3])
def test_a_kill_ends_right_wherever_its_worker_dies(company, steward, question, moment):
    held = company.key()
    order = orders.credential_kill(
        credential_id=held.credential.pk, reason=WHY, actor=Person(steward)
    )

    killed_worker(order, question, moment)
    go_on()

    order.refresh_from_db()
    assert (order.state, held.status()) == (OrderState.EXECUTED, "Inactive")
    assert held.works() == "InvalidClientTokenId"
    assert [step.status for step in order.steps.all()] == ["done", "done", "waiting"]
    held.credential.refresh_from_db()
    assert held.credential.state == CredentialState.SUSPENDED
    assert order.proofs.count() == 1
    assert _told(order) == ["planned", "begun", "step_done", "step_done", "executed", "stopped"]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("question", [1, 2])
def test_what_follows_the_watch_ends_right_wherever_its_worker_dies(
    company, steward, question, moment
):
    held = company.key()
    order = orders.credential_revoke(
        credential_id=held.credential.pk, reason=WHY, actor=Person(steward)
    )
    go_on()
    past = timezone.now() - timedelta(seconds=1)
    Order.objects.filter(pk=order.pk).update(watch_until=past, wake_at=past)

    killed_worker(order, question, moment)
    go_on()

    order.refresh_from_db()
    assert (order.state, held.status()) == (OrderState.VERIFIED, "absent")
    held.credential.refresh_from_db()
    assert held.credential.state == CredentialState.VERIFIED


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_undo_ends_right_wherever_its_worker_dies(company, steward, moment):
    held = company.key()
    order = orders.credential_kill(
        credential_id=held.credential.pk, reason=WHY, actor=Person(steward)
    )
    go_on()
    orders.order_undo(
        order_id=order.pk, reason="Wrong one.", actor=Person(UserFactory(role="steward"))
    )

    killed_worker(order, 1, moment)
    go_on()

    order.refresh_from_db()
    assert (order.kind, order.state) == (OrderKind.KILL, OrderState.ROLLED_BACK)
    assert held.works() is True


def _told(order):
    about = AuditEntry.objects.filter(target_type="remediation.order", target_id=order.pk)
    return [verb.rpartition(".")[2] for verb in about.order_by("pk").values_list("verb", flat=True)]
