"""One record alone, by its tlog-proof: taken from its page, checked without Countersign."""

import base64
import hashlib
import json
import subprocess
import sys
from datetime import timedelta

import pytest
from django.urls import reverse

from apps.activity.models import Event
from apps.audit.models import AuditEntry, Seal
from apps.evidence.verify import verify
from apps.proof import notes
from tests.evidence.handmade import OTHER_KEY
from tests.evidence.test_packages import keys
from tests.evidence.trail import Whose, keep, ran, said, sign
from tests.factories.accounts import UserFactory
from tests.proof.tampering import as_owner
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db
HEAD = "c2sp.org/tlog-proof@v1"
LATER = timedelta(minutes=1)


@pytest.fixture
def made(tmp_path):
    return ran(tmp_path / "signer")


def of_record(client, leaf):
    return client.get(reverse("activity:record_proof", args=[leaf]))


def of_entry(client, entry):
    return client.get(reverse("console:record_proof", args=[entry.pk]))


def checked(folder, told, *more, with_key=True, key_file=None):
    """Exit code and output of the verifier, as somebody runs it who has these files alone."""
    (folder / "keys.json").write_text(keys() if key_file is None else key_file)
    (folder / "one.tlog-proof").write_bytes(told if isinstance(told, bytes) else told.encode())
    key = ["--key", str(folder / "keys.json")] if with_key else []
    done = subprocess.run(
        [sys.executable, verify.__file__, str(folder / "one.tlog-proof"), *more, *key],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_record_is_proven_by_the_file_that_its_page_offers(made, as_steward, tmp_path):
    event = Event.objects.get(name="=refund", agent_id=made.agent.pk)
    page = as_steward.get(event.get_absolute_url()).content.decode()
    answer = of_record(as_steward, event.leaf_index)
    lines = answer.content.decode().split("\n")

    assert reverse("activity:record_proof", args=[event.leaf_index]) in page
    assert f"record-{event.leaf_index}.tlog-proof" in answer["Content-Disposition"]
    assert (lines[0], lines[2]) == (HEAD, f"index {event.leaf_index}")
    assert base64.b64decode(lines[1].removeprefix("extra ")).decode() == event.header
    code, told = checked(tmp_path, answer.content)
    assert (code, "FAIL" in told) == (0, False)
    assert f"Record {event.leaf_index} stands in that log as it was signed" in told
    assert json.loads(event.header)["name"] in told
    assert "RESULT every claim holds" in told


def test_an_entry_of_the_record_is_proven_by_the_file_that_its_page_offers(
    made, as_steward, tmp_path
):
    entry = AuditEntry.objects.filter(target_id=str(made.agent.pk)).latest("pk")
    page = as_steward.get(reverse("console:record_detail", args=[entry.pk])).content.decode()
    answer = of_entry(as_steward, entry)

    assert reverse("console:record_proof", args=[entry.pk]) in page
    assert f"entry-{entry.pk}.tlog-proof" in answer["Content-Disposition"]
    code, told = checked(tmp_path, answer.content)
    assert code == 0
    assert Seal.objects.get(entry=entry).header in told


def test_it_is_the_format_of_c2sp_word_by_word(made, as_steward):
    event = Event.objects.get(name="=refund", agent_id=made.agent.pk)
    told = of_record(as_steward, event.leaf_index).content.decode()
    head, _, note = told.partition("\n\n")
    _, extra, _, *proof = head.split("\n")
    size = int(note.split("\n")[1])

    leaf = hashlib.sha256(b"\0" + base64.b64decode(extra[6:])).digest()
    assert len(proof) == len({*proof}) >= (size - 1).bit_length() - 1
    assert all(len(base64.b64decode(one)) == 32 for one in proof)
    assert base64.b64encode(leaf).decode() not in proof
    assert notes.checkpoint_parsed(note.rpartition("\n\n")[0] + "\n").size == size
    assert note.endswith("\n")


def another_line(told):
    lines = told.split("\n")
    line = base64.b64decode(lines[1][6:]).replace(b"refund", b"repaid")
    return "\n".join([lines[0], "extra " + base64.b64encode(line).decode(), *lines[2:]])


def another_place(told):
    at = told.split("\n")[2]
    return told.replace(at, f"index {int(at[6:]) + 1}", 1)


def far_away(told):
    return told.replace(told.split("\n")[2], "index 99999", 1)


def another_hash(told):
    lines = told.split("\n")
    return told.replace(lines[3], base64.b64encode(bytes(32)).decode(), 1)


def a_hash_less(told):
    lines = told.split("\n")
    return "\n".join([*lines[:3], *lines[4:]])


def a_hash_more(told):
    lines = told.split("\n")
    return "\n".join([*lines[:3], lines[3], *lines[3:]])


def another_size(told):
    head, _, note = told.partition("\n\n")
    lines = note.split("\n")
    lines[1] = str(int(lines[1]) + 1)
    return head + "\n\n" + "\n".join(lines)


def signed_by_another(told):
    head, _, note = told.partition("\n\n")
    text = note.rpartition("\n\n")[0] + "\n"
    return f"{head}\n\n{notes.signed(text, name=text.split(chr(10))[0], key=OTHER_KEY)}"


def without_its_line(told):
    lines = told.split("\n")
    return "\n".join([lines[0], *lines[2:]])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (another_line, 20),
        (another_place, 20),
        (far_away, 20),
        (another_hash, 20),
        (a_hash_less, 20),
        (a_hash_more, 20),
        (another_size, 30),
        (signed_by_another, 30),
        (without_its_line, 20),
        (lambda told: told.partition("\n\n")[0], 20),
        (lambda told: f"{HEAD}\n", 20),
        (lambda told: told.replace("index ", "index 0", 1), 20),
        (lambda told: told.replace("\nindex", "\nindexed", 1), 20),
        (lambda told: told.replace("extra ", "extra ~", 1), 20),
    ],
)
def test_whatever_is_changed_in_it_is_named(made, as_steward, tmp_path, change, code):
    event = Event.objects.get(name="=refund", agent_id=made.agent.pk)
    told = of_record(as_steward, event.leaf_index).content.decode()
    changed = change(told)

    assert changed != told
    got, said_of_it = checked(tmp_path, changed)
    assert (got, "Traceback" in said_of_it) == (code, False)
    assert f"RESULT the proof does not hold (exit code {code})" in said_of_it


def test_without_a_key_from_outside_nothing_is_proven(made, as_steward, tmp_path):
    event = Event.objects.get(name="=refund", agent_id=made.agent.pk)
    code, told = checked(tmp_path, of_record(as_steward, event.leaf_index).content, with_key=False)

    assert (code, "give --key" in told) == (30, True)


@pytest.mark.parametrize(
    ("logs", "says"),
    [
        ("nonsense", "a key given with --key, cannot be read"),
        ([{}], "a key given with --key, cannot be read"),
        ([{"vkey": 7}], "a key given with --key, cannot be read"),
        ([{"vkey": "a+b+c"}], "a key given with --key, cannot be read"),
        ([], "signed with a key that is not known"),
        (None, "what was given with --key holds no keys of logs"),
    ],
)
def test_a_key_file_that_does_not_hold_the_keys_of_logs_is_named(
    made, as_steward, tmp_path, logs, says
):
    event = Event.objects.get(name="=refund", agent_id=made.agent.pk)
    told = of_record(as_steward, event.leaf_index).content
    key_file = json.loads(keys()) | {"logs": logs}
    if logs is None:
        del key_file["logs"]

    code, said_of_it = checked(tmp_path, told, key_file=json.dumps(key_file))

    assert (code, "Traceback" in said_of_it) == (30, False)
    assert says in said_of_it
    assert "give --key" not in said_of_it


def test_several_are_checked_together_and_what_is_none_is_named(made, as_steward, tmp_path):
    first, second = Event.objects.order_by("leaf_index")[:2]
    told = of_record(as_steward, first.leaf_index).content
    (tmp_path / "two").write_bytes(of_record(as_steward, second.leaf_index).content)
    (tmp_path / "none").write_text("nothing")

    code, both = checked(tmp_path, told, str(tmp_path / "two"))
    assert (code, both.count("stands in that log")) == (0, 2)
    assert checked(tmp_path, told, str(tmp_path / "none"))[0] == 20


def test_a_log_that_was_noted_before_is_known_again(made, as_steward, tmp_path):
    event = Event.objects.get(name="=refund", agent_id=made.agent.pk)
    told = of_record(as_steward, event.leaf_index).content
    line = next(
        line.partition("again: ")[2]
        for line in checked(tmp_path, told)[1].splitlines()
        if "again: log" in line
    )
    noted = tmp_path / "noted"

    noted.write_text(line)
    assert checked(tmp_path, told, "--known-checkpoint", str(noted))[0] == 0
    origin, size, _ = line.removeprefix("log ").split(" ")
    noted.write_text(f"log {origin} {size} {base64.b64encode(bytes(32)).decode()}")
    assert checked(tmp_path, told, "--known-checkpoint", str(noted))[0] == 40
    noted.write_text(f"log {origin} 1 {base64.b64encode(bytes(32)).decode()}")
    assert checked(tmp_path, told, "--known-checkpoint", str(noted))[0] == 50


def test_it_is_offered_once_a_checkpoint_covers_the_record(made, as_steward, tmp_path):
    keep(
        said("action", "newer", trace="2" * 32),
        whose=Whose(agent_id=made.agent.pk, agent=made.agent.name),
    )
    event = Event.objects.get(name="newer")
    address = reverse("activity:record_proof", args=[event.leaf_index])

    page = as_steward.get(event.get_absolute_url()).content.decode()
    refused = as_steward.get(address, follow=True)
    assert (address in page, "once a checkpoint covers it" in page) == (False, True)
    assert "No signed checkpoint covers it yet" in refused.content.decode()
    sign(made.folder, later=LATER)
    assert address in as_steward.get(event.get_absolute_url()).content.decode()


def test_a_record_that_was_changed_is_not_given_a_proof(made, as_steward):
    event = Event.objects.get(name="=refund", agent_id=made.agent.pk)
    as_owner(
        "activity_event",
        "UPDATE activity_event SET header = replace(header, 'refund', 'repaid')"
        " WHERE leaf_index = %s",
        event.leaf_index,
    )

    answer = as_steward.get(reverse("activity:record_proof", args=[event.leaf_index]), follow=True)
    assert "It cannot be proven" in answer.content.decode()


def test_a_strangers_record_has_no_proof(made, client):
    sign_in(client, UserFactory(role="reviewer"))
    leaf = Event.objects.get(name="=refund", agent_id=made.agent.pk).leaf_index

    assert of_record(client, leaf).status_code == 404
    assert of_record(client, 10**6).status_code == 404
    assert of_record(client, 2**63).status_code == 404
