import os
import signal
import stat
import subprocess
import sys
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from apps.proof import notes
from apps.proof.memory import Memory
from apps.proof.merkle import leaf_hash
from apps.proof.models import Checkpoint, Epoch, Log, Watch
from apps.proof.selectors import checkpoint_opened, logs_published
from apps.proof.services.logs import leaves_append, log_lock
from apps.proof.services.signing import Untrue, epoch_begin, logs_sign
from tests.processes import database_url
from tests.proof.tampering import as_owner, delete_everything
from tests.proof.test_logs import append, leaves
from tests.proof.test_merkle import defined_root

pytestmark = pytest.mark.django_db

NOW = timezone.now()
# All 256 leaves are in a full tile, and its root alone is in none.
EDGE_OF_256 = defined_root(leaves(256))


@pytest.fixture
def sign(key, memory):
    """Sign what is due, so many seconds from now."""
    return lambda seconds=0: logs_sign(key=key, memory=memory, now=NOW + timedelta(seconds=seconds))


@transaction.atomic
def append_others(count):
    """Leaves that were not there before."""
    leaves_append(
        log_lock("governance"), [leaf_hash(b"other %d" % number) for number in range(count)]
    )


def trouble():
    return list(Watch.objects.in_trouble().values_list("trouble", flat=True))


def test_a_checkpoint_says_size_and_root_and_opens_with_the_published_key(sign, memory):
    append(300)

    [checkpoint] = sign()

    [published] = logs_published()
    told = notes.checkpoint_parsed(notes.opened(checkpoint.note, published["vkey"]))
    assert (told.origin, told.size, told.root) == (
        published["origin"],
        300,
        defined_root(leaves(300)),
    )
    assert told.extensions == (f"signed {NOW:%Y-%m-%dT%H:%M:%SZ}",)
    assert checkpoint_opened(checkpoint, Epoch.objects.all()) == told
    assert memory.last("governance").note == checkpoint.note


def test_an_empty_log_is_not_signed_and_a_new_one_is_at_once(sign):
    append(0)
    assert sign() == []

    append(1)

    assert [one.size for one in sign()] == [1]


def test_it_signs_at_most_every_ten_seconds_and_hourly_when_idle(sign):
    append(5)
    sign()
    append(5)

    signed = [len(sign(seconds)) for seconds in (9, 10, 19, 3609, 3610)]

    assert signed == [0, 1, 0, 0, 1]
    assert list(Checkpoint.objects.order_by("pk").values_list("size", flat=True)) == [5, 10, 10]


def test_a_log_that_shrank_is_not_signed(sign):
    append(300)
    sign()
    as_owner("proof_log", "UPDATE proof_log SET size = 256, frontier = ''")

    with pytest.raises(Untrue, match="shrank from 300 to 256"):
        sign(20)

    assert Checkpoint.objects.count() == 1
    assert trouble() == ["Log governance: It shrank from 300 to 256."]


def test_a_log_that_is_gone_has_its_alarm_again(sign):
    """Its watches are gone with it."""
    append(3)
    with transaction.atomic():
        leaves_append(log_lock("activity"), leaves(2))
    sign()
    gone = Log.objects.get(name="governance").pk
    as_owner("proof_watch", "DELETE FROM proof_watch WHERE log_id = %s", gone)
    as_owner("proof_checkpoint", "DELETE FROM proof_checkpoint WHERE log_id = %s", gone)
    as_owner("proof_epoch", "DELETE FROM proof_epoch WHERE log_id = %s", gone)
    as_owner("proof_log", "DELETE FROM proof_log WHERE id = %s", gone)

    with pytest.raises(Untrue, match="has no log governance"):
        sign(60)

    said = "The database has no log governance, which was signed before."
    assert trouble() == [said]
    assert Watch.objects.in_trouble().get().log.name == "governance"
    with pytest.raises(Untrue):
        sign(120)
    assert trouble() == [said]
    assert not Checkpoint.objects.filter(log__name="governance").exists()


def test_where_every_log_is_gone_at_once_each_has_its_alarm_again(sign, memory):
    append(3)
    with transaction.atomic():
        leaves_append(log_lock("activity"), leaves(2))
    sign()
    origins = dict(Log.objects.values_list("name", "origin"))
    delete_everything()
    assert not Log.objects.exists()

    with pytest.raises(Untrue, match="has no log"):
        sign(60)

    assert sorted(trouble()) == [
        f"The database has no log {name}, which was signed before."
        for name in ("activity", "governance")
    ]
    assert dict(Log.objects.values_list("name", "origin")) == origins
    assert set(Log.objects.values_list("size", flat=True)) == {0}
    assert memory.last("governance").size == 3


def test_every_log_is_looked_at_and_none_signed_behind_one_that_is_broken(sign):
    """The sealer was quicker than the signer, and made one of the two anew."""
    append(3)
    with transaction.atomic():
        leaves_append(log_lock("activity"), leaves(2))
    sign()
    delete_everything()
    append(2)

    with pytest.raises(Untrue, match="has no log activity"):
        sign(60)

    assert sorted(trouble()) == [
        "Log governance: It shrank from 3 to 2.",
        "The database has no log activity, which was signed before.",
    ]
    assert not Checkpoint.objects.exists()


def test_a_sound_log_is_looked_at_and_not_signed_beside_a_broken_one(sign):
    append(3)
    with transaction.atomic():
        leaves_append(log_lock("activity"), leaves(2))
    sign()
    append_others(2)
    as_owner("proof_log", "UPDATE proof_log SET size = 1 WHERE name = 'activity'")

    with pytest.raises(Untrue, match="Log activity"):
        sign(60)

    assert Checkpoint.objects.filter(log__name="governance").count() == 1
    assert Watch.objects.get(log__name="governance").looked_at == NOW + timedelta(seconds=60)
    assert Watch.objects.in_trouble().get().log.name == "activity"


def test_an_old_head_that_grew_again_is_not_signed(sign, memory):
    append(300)
    old = Log.objects.get()
    append(100)
    sign()
    as_owner(
        "proof_log",
        "UPDATE proof_log SET size = 300, frontier = %s",
        bytes(old.frontier),
    )
    append_others(200)

    with pytest.raises(Untrue, match="does not begin with that of 400"):
        sign(20)

    assert Checkpoint.objects.count() == 1
    assert memory.last("governance").size == 400


def test_a_log_whose_past_was_exchanged_is_not_signed(sign):
    append(700)
    sign()
    append(400)
    # Of 1,100 leaves 76 are in no full tile; behind them lie the roots of those that are.
    frontier = bytes(Log.objects.get().frontier)
    forged = frontier[: 76 * 32] + b"\0" * 32 + frontier[77 * 32 :]
    as_owner("proof_log", "UPDATE proof_log SET frontier = %s", forged)

    with pytest.raises(Untrue, match="does not begin with"):
        sign(20)


def test_trouble_is_over_once_the_log_is_again_what_was_signed(sign):
    append(300)
    log = Log.objects.get()
    sign()
    as_owner("proof_log", "UPDATE proof_log SET size = 256, frontier = ''")
    with pytest.raises(Untrue):
        sign(20)

    as_owner("proof_log", "UPDATE proof_log SET size = 300, frontier = %s", bytes(log.frontier))
    sign(30)

    assert trouble() == []


def test_a_signer_without_its_memory_signs_nothing(sign, memory):
    append(5)
    sign()
    (memory.folder / "governance.jsonl").unlink()

    with pytest.raises(Untrue, match="remembers nothing of it"):
        sign(20)


def test_a_signer_with_another_key_signs_nothing(sign, memory):
    append(5)
    sign()

    with pytest.raises(Untrue, match="key is another"):
        logs_sign(key=Ed25519PrivateKey.generate(), memory=memory, now=NOW)


def test_a_log_under_another_origin_is_not_signed(sign):
    append(5)
    sign()
    as_owner("proof_log", "UPDATE proof_log SET origin = 'example.com/other', epoch = 2")

    with pytest.raises(Untrue, match="was signed as epoch 1"):
        sign(20)


def test_a_line_cut_off_by_a_crash_is_as_if_never_written(sign, memory):
    append(5)
    sign()
    path = memory.folder / "governance.jsonl"
    with path.open("a") as file:
        file.write('{"epoch": 1, "size": 10')
    append(5)

    [checkpoint] = sign(20)

    assert memory.last("governance").note == checkpoint.note
    assert [line.endswith("}") for line in path.read_text().splitlines()] == [True] * 3


def test_a_new_epoch_goes_on_and_names_the_last_checkpoint_of_the_old(sign, key, memory):
    append(300)
    [old] = sign()
    as_owner("proof_log", "UPDATE proof_log SET size = 256, frontier = %s", EDGE_OF_256)
    log = Log.objects.get()

    epoch = epoch_begin(log=log, reason="Restored", key=key, memory=memory, now=NOW)
    [checkpoint] = sign(20)

    told = checkpoint_opened(checkpoint, Epoch.objects.all())
    old_root = old.note.split("\n")[2]
    assert epoch.before == old.note
    assert told.origin == f"{old.note.partition(chr(10))[0]}/2"
    assert told.extensions[1:] == (f"after {log.origin} 300 {old_root}",)
    assert (told.size, told.root) == (256, defined_root(leaves(256)))
    append_others(10)
    assert [one.size for one in sign(40)] == [266]
    assert [(one["epoch"], one["current"]) for one in logs_published()] == [(1, False), (2, True)]


def test_the_command_makes_its_key_once_for_its_owner_alone(signer_folder, capsys):
    append(5)

    call_command("proof_sign", "--once")
    call_command("proof_sign", "--once")

    assert capsys.readouterr().out == "Signed log governance at 5.\n"
    assert stat.S_IMODE((signer_folder / "key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE((signer_folder / "governance.jsonl").stat().st_mode) == 0o600


def test_the_command_stops_loudly_with_a_code_of_its_own(signer_folder):
    append(300)
    call_command("proof_sign", "--once")
    as_owner("proof_log", "UPDATE proof_log SET size = 256, frontier = ''")

    with pytest.raises(CommandError, match="THE SIGNER STOPPED AND SIGNED NOTHING") as stopped:
        call_command("proof_sign", "--once")

    assert stopped.value.returncode == 3


def test_a_signer_that_lost_its_key_does_not_make_another(signer_folder):
    append(5)
    call_command("proof_sign", "--once")
    (signer_folder / "key.pem").unlink()

    with pytest.raises(CommandError, match="could not be read"):
        call_command("proof_sign", "--once")

    assert not (signer_folder / "key.pem").exists()


KILLED = """
import os, signal
import django
django.setup()
from django.core.management import call_command
from apps.proof.memory import Memory
append = Memory.append
def die(self, log_name, line):
    append(self, log_name, line)
    if line.note:
        os.kill(os.getpid(), signal.SIGKILL)
Memory.append = die
call_command("proof_sign", "--once")
"""


def killed_signer(folder):
    """Run a signer that is killed once its file knows of a checkpoint, and nobody else does."""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED],
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "PROOF_SIGNER_KEY": str(folder / "key.pem"),
        },
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert Checkpoint.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_signer_killed_between_file_and_database_never_signs_two_roots_for_one_size(
    signer_folder,
):
    append(300)
    killed_signer(signer_folder)
    append(20)

    call_command("proof_sign", "--once")

    kept = Checkpoint.objects.get(size=300)
    assert Memory(signer_folder).last("governance").note == kept.note
    assert bytes(kept.root) == defined_root(leaves(300))


@pytest.mark.django_db(transaction=True)
def test_what_was_signed_before_a_kill_binds_a_log_that_was_changed_meanwhile(signer_folder):
    append(300)
    killed_signer(signer_folder)
    forged = b"\0" * 32 + bytes(Log.objects.get().frontier)[32:]
    as_owner("proof_log", "UPDATE proof_log SET frontier = %s", forged)

    with pytest.raises(CommandError, match="are not one"):
        call_command("proof_sign", "--once")

    assert Checkpoint.objects.count() == 0
