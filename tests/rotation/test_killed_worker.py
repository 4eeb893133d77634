"""A worker killed with -9 between any two things a rotation does: another goes on, and no key is
left that nobody knows, and none is placed that does not work.

The worker is a process of its own, stopped dead at one moment; AWS and Vault are asked for real.
"""

import os
import signal
import subprocess
import sys

import pytest
from django.utils import timezone

from apps.core.actors import System
from apps.rotation.models import Rotation
from apps.rotation.services.running import rotations_run_awake
from apps.rotation.states import RotationState
from config.celery import app as celery_app
from tests.processes import database_url
from tests.rotation.company import rotate

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("ministack")]

# Dies at one moment: as the n-th question to the provider is about to be asked, or once it was
# answered and before the answer is kept.
WORKER = """
import os, signal, sys
import django
django.setup()
from apps.core.actors import System
from apps.connectors.adapters.aws import AwsAdapter
from apps.connectors.adapters.vault import VaultAdapter
from apps.rotation.services.running import Hand, rotation_run
Hand.waits = (0, 0.01)
left = int(sys.argv[2])
def dying(ask):
    def asked(self, *args, **named):
        global left
        left -= 1
        if left == 0 and sys.argv[3] == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = ask(self, *args, **named)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
    return asked
for adapter in (AwsAdapter, VaultAdapter):
    for name in ("beside", "rotate", "try_out", "place", "place_look", "run", "verify"):
        setattr(adapter, name, dying(getattr(adapter, name)))
rotation_run(rotation_id=int(sys.argv[1]), actor=System("killed"))
"""
# What is held before, what lies there, the new one, its trial, its writing, and a look.
QUESTIONS = range(1, 7)


def killed_worker(rotation, question, moment):
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(rotation.pk), str(question), moment],
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


@pytest.fixture(autouse=True)
def _nobody_else():
    """Rotations are planned, and nobody carries them on before the test does."""
    celery_app.conf.task_always_eager = False
    yield
    celery_app.conf.task_always_eager = True
    celery_app.control.purge()


def go_on():
    """Another worker, once the dead one's time is over."""
    Rotation.objects.filter(wake_at__isnull=False).update(wake_at=timezone.now())
    rotations_run_awake(actor=System("another"))


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_key_is_rotated_and_none_is_left_over_wherever_a_worker_dies(
    aws, steward, question, moment
):
    held = aws.key()
    rotation = rotate(held.credential, steward)

    killed_worker(rotation, question, moment)
    go_on()

    rotation.refresh_from_db()
    kept = aws.kept()
    assert rotation.state == RotationState.SWITCHED
    assert aws.held_by(held) == {held.user.key.id: "Active", rotation.new_id: "Active"}
    assert kept["AWS_ACCESS_KEY_ID"] == rotation.new_id
    assert aws.accepts(rotation.new_id, kept["AWS_SECRET_ACCESS_KEY"])
    assert rotation.new_credential.external_id == rotation.new_id


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_secret_id_is_rotated_and_none_is_left_over_wherever_a_worker_dies(
    vault, steward, question, moment
):
    old = vault.secret_id()
    rotation = rotate(old, steward)

    killed_worker(rotation, question, moment)
    go_on()

    rotation.refresh_from_db()
    assert rotation.state == RotationState.SWITCHED
    assert vault.held() == {old.external_id, rotation.new_id}
    assert vault.world.signed_in(vault.world.kept()["secret_id"])


def test_while_a_worker_holds_the_new_secret_nobody_takes_it_for_dead(aws, steward):
    held = aws.key()
    rotation = rotate(held.credential, steward)

    killed_worker(rotation, 4, "before")
    rotations_run_awake(actor=System("too early"))

    rotation.refresh_from_db()
    assert rotation.state == RotationState.CREATED
    assert rotation.wake_at > timezone.now()
    assert set(aws.held_by(held)) == {held.user.key.id, rotation.new_id}


def test_a_key_that_was_there_before_is_never_ended(aws, steward):
    held = aws.key()
    rotation = rotate(held.credential, steward)

    killed_worker(rotation, 3, "before")
    theirs = aws.server.client("iam").create_access_key(UserName=held.user.name)["AccessKey"]
    Rotation.objects.filter(pk=rotation.pk).update(
        intent={**rotation_intent(rotation), "at": "2030-01-01T00:00:00+00:00"}
    )
    go_on()

    rotation.refresh_from_db()
    assert rotation.state == RotationState.FAILED
    assert f"{theirs['AccessKeyId']} was made before" in rotation.trouble
    assert set(aws.held_by(held)) == {held.user.key.id, theirs["AccessKeyId"]}


def rotation_intent(rotation):
    rotation.refresh_from_db()
    return rotation.intent
