"""Packages of the trail that somebody changed and signed anew: the verifier names what they did."""

import base64
import json
from datetime import timedelta

import pytest

from apps.evidence.services.packages import package_path
from apps.proof import notes
from tests.evidence.access import members, signed_anew
from tests.evidence.handmade import OTHER_KEY, check, rewrite
from tests.evidence.test_access_forged import change_first, edit, without
from tests.evidence.test_packages import keys
from tests.evidence.trail import (
    Whose,
    build_agent,
    build_everything,
    build_run,
    keep,
    ran,
    sign,
)
from tests.evidence.trail import said as reading

pytestmark = pytest.mark.django_db
ACTIVITY = "data/proof/activity"


def text(name, change):
    """Change a file as text."""

    def forge(files):
        before = files[name].decode()
        files[name] = change(before).encode()
        assert files[name].decode() != before

    return forge


def data(name, change):
    def forge(files):
        files[name] = change(files[name])

    return forge


def line_out(name, at=0):
    def change(told):
        lines = told.splitlines(keepends=True)
        return "".join(lines[:at] + lines[at + 1 :])

    return text(name, change)


def swapped(told):
    first, second, *rest = told.splitlines(keepends=True)
    return "".join([second, first, *rest])


def facts(**changes):
    """Change what is said of the trail's log."""

    def forge(files):
        said = json.loads(files["data/proof/logs.json"])
        [log] = [one for one in said["logs"] if one["log"] == "activity"]
        log.update(changes)
        files["data/proof/logs.json"] = json.dumps(said).encode()

    return forge


def signed_by_another(files):
    name = f"{ACTIVITY}/checkpoint.txt"
    told = files[name].decode().rpartition("\n\n")[0] + "\n"
    origin = told.split("\n")[0]
    files[name] = notes.signed(told, name=origin, key=OTHER_KEY).encode()
    vkey = notes.vkey(origin, notes.public_bytes(OTHER_KEY))
    files["data/keys/logs.txt"] = f"{vkey}\n".encode()


def smaller(files):
    """Drop the tail of the log, and say it never was there."""
    signed_by_another(files)
    facts(size=9)(files)


OF_A_RUN = {
    "a record changed": (
        text(
            "data/events.jsonl",
            lambda told: told.replace('"outcome":"failed"', '"outcome":"ok"', 1),
        ),
        20,
        "do not lead to the root that was signed",
    ),
    "a record left out": (line_out("data/events.jsonl"), 20, "fewer lines than records"),
    "a record put in": (
        text("data/events.jsonl", lambda told: told + told.splitlines(keepends=True)[0]),
        20,
        "more lines than records",
    ),
    "two records swapped": (text("data/events.jsonl", swapped), 20, "do not lead to the root"),
    "another place in the log": (
        text(f"{ACTIVITY}/included.txt", lambda told: told.replace("3-", "2-", 1)),
        20,
        "",
    ),
    "a hash changed": (
        data(f"{ACTIVITY}/hashes.bin", lambda old: bytes(32) + old[32:]),
        20,
        "do not lead to the root",
    ),
    "a hash left out": (data(f"{ACTIVITY}/hashes.bin", lambda old: old[32:]), 20, "too few hashes"),
    "a hash put in": (
        data(f"{ACTIVITY}/hashes.bin", lambda old: old + bytes(32)),
        20,
        "too many hashes",
    ),
    "a checkpoint signed by somebody else": (signed_by_another, 30, "a key that is not known"),
    "the log cut off": (smaller, 30, "the checkpoint is of another log, size, or root"),
    "another root": (
        facts(root=base64.b64encode(bytes(32)).decode()),
        30,
        "another log, size, or root",
    ),
    "no checkpoint": (
        lambda files: files.pop(f"{ACTIVITY}/checkpoint.txt"),
        30,
        "checkpoint.txt is missing",
    ),
    "a payload not listed": (
        line_out("data/payloads.jsonl"),
        10,
        "has a payload that is not listed",
    ),
    "a payload said to be erased": (
        text(
            "data/payloads.jsonl",
            lambda told: told.replace('"redacted":true', '"erased":"2026-01-01T00:00:00Z"', 1),
        ),
        10,
        "and trail.json says",
    ),
    "a call joined by more than it was": (
        edit("data/links.csv", change_first(confidence="4")),
        50,
        "is joined by request-id: 4",
    ),
    "a call joined that is not there": (
        edit("data/links.csv", change_first(call_leaf="1")),
        50,
        "call 1 is no API call in here",
    ),
    "a join left out": (edit("data/links.csv", without(1)), 50, "is of something else"),
    "an action that is not there": (
        edit("data/links.csv", change_first(action_leaf="1")),
        50,
        "action 1 is not in here",
    ),
    "the index tells otherwise": (
        edit("data/index.csv", change_first(outcome="denied")),
        50,
        "is not what the index says",
    ),
    "the index leaves one out": (
        edit("data/index.csv", without(0)),
        50,
        "is not what the index says",
    ),
    "an entry of the record changed": (
        text("data/governance.jsonl", lambda told: told.replace('"reason":""', '"reason":"so"', 1)),
        20,
        "says other than what was sealed",
    ),
    "an entry left out of the record": (
        line_out("data/governance.jsonl"),
        20,
        "is sealed and not in the record",
    ),
    "an entry that was never sealed": (
        text("data/governance.jsonl", lambda told: told + told.replace('"entry":', '"entry":9', 1)),
        50,
        "entries are not sealed, not 0",
    ),
    "nothing that proves it": (
        lambda files: files.pop("data/proof/logs.json"),
        50,
        "nothing proves its records",
    ),
}
OF_A_PERIOD = {
    "a record of another left out": (line_out(f"{ACTIVITY}/excluded.txt"), 20, ""),
    "the hash of another changed": (
        text(
            f"{ACTIVITY}/excluded.txt",
            lambda told: told[:5] + ("0" if told[5] != "0" else "1") + told[6:],
        ),
        20,
        "do not lead to the root",
    ),
    "a shorter range": (facts(**{"from": 1}), 50, "does not account for every record of the range"),
    "fewer left out": (facts(excluded=3), 50, "4 left out"),
}


@pytest.mark.parametrize("name", OF_A_RUN)
def test_a_forged_run_does_not_pass(name, tmp_path, steward, system):
    forge, code, words = OF_A_RUN[name]
    package = build_run(ran(tmp_path / "signer").run, steward)

    forged = signed_anew(package, tmp_path, system, forge, "data/trail.json")

    found, said = check(forged, keys())
    assert words in said
    assert found == code, said


@pytest.mark.parametrize("name", OF_A_PERIOD)
def test_a_forged_period_does_not_pass(name, tmp_path, steward, system):
    forge, code, words = OF_A_PERIOD[name]
    package = build_agent(ran(tmp_path / "signer").agent, steward)

    forged = signed_anew(package, tmp_path, system, forge, "data/trail.json")

    found, said = check(forged, keys())
    assert words in said
    assert found == code, said


def test_a_call_of_an_identity_that_was_never_its_own_does_not_pass(tmp_path, steward, system):
    """One that nothing joins to a run: it is of the agent by its identity alone."""
    made = ran(tmp_path / "signer")
    identity = made.binding.identity
    of_it = Whose(identity_id=identity.pk, identity=identity.name, system_id=identity.system_id)
    keep(reading("api", "s3:ListBuckets", -7200, 0, ""), whose=of_it)
    sign(made.folder, later=timedelta(minutes=1))
    package = build_agent(made.agent, steward)
    bound = edit("data/bindings.csv", change_first(identity_id="1"))

    forged = signed_anew(package, tmp_path, system, bound, "data/trail.json")

    code, said = check(forged, keys())
    assert "record 10 is of something else" in said
    assert code == 50


def test_what_is_signed_anew_and_not_changed_passes(tmp_path, steward, system):
    ran(tmp_path / "signer")
    package = build_everything(steward)

    forged = signed_anew(package, tmp_path, system, lambda files: None, "data/trail.json")

    code, said = check(forged, keys())
    assert code == 0, said


def test_words_that_were_changed_are_not_those_that_were_sealed(tmp_path, steward, system):
    package = build_run(ran(tmp_path / "signer").run, steward, with_payloads=True)
    assert b"refunded" in members(package)["data/payloads.jsonl"]
    change = text("data/payloads.jsonl", lambda told: told.replace("refunded", "rejected"))

    code, said = check(signed_anew(package, tmp_path, system, change, "data/trail.json"), keys())

    assert code == 10
    assert "its words are not those that were sealed" in said


@pytest.mark.parametrize("name", ["data/events.jsonl", f"{ACTIVITY}/hashes.bin", "data/links.csv"])
def test_what_is_changed_and_not_signed_is_no_longer_what_the_manifest_says(
    name, tmp_path, steward
):
    package = build_run(ran(tmp_path / "signer").run, steward)
    changed = rewrite(package_path(package), change={name: members(package)[name] + b"\n"})

    assert check(changed, keys())[0] == 10


def test_a_proof_of_growth_that_was_changed_does_not_hold(tmp_path, steward, system):
    made = ran(tmp_path / "signer")
    build_run(made.run, steward)
    ran_again(made)
    package = build_run(made.run, steward)
    assert members(package)[f"{ACTIVITY}/consistency.txt"].startswith(b"from 10 ")
    other = base64.b64encode(bytes(32)).decode()
    change = text(
        f"{ACTIVITY}/consistency.txt",
        lambda told: (
            told.splitlines()[0] + "\n" + f"{other}\n" + "\n".join(told.splitlines()[2:]) + "\n"
        ),
    )

    code, said = check(signed_anew(package, tmp_path, system, change, "data/trail.json"), keys())

    assert code == 20, said
    assert "does not begin with that of 10" in said


def test_the_log_noted_before_must_be_the_same_one(tmp_path, steward):
    made = ran(tmp_path / "signer")
    first = build_run(made.run, steward)
    said = check(package_path(first), keys())[1]
    [noted] = [line.split(": ", 1)[1] for line in said.splitlines() if "/activity 10 " in line]
    note = members(first)[f"{ACTIVITY}/checkpoint.txt"].decode()
    ran_again(made)
    again = package_path(build_run(made.run, steward))
    other = base64.b64encode(bytes(32)).decode()

    for known in (noted, note):
        assert check(package_path(first), keys(), known)[0] == 0
        assert check(again, keys(), known)[0] == 0
    forked = noted.rpartition(" ")[0] + f" {other}"
    assert check(package_path(first), keys(), forked)[0] == 40
    code, said = check(again, keys(), forked)
    assert code == 40
    assert "the log of 10 was another one" in said
    code, said = check(again, keys(), noted.replace(" 10 ", " 7 "))
    assert code == 50
    assert "no proof from a checkpoint of 7 records" in said


def ran_again(made) -> None:
    keep(reading("step", "more", trace="2" * 32), whose=Whose(agent_id=made.agent.pk))
    sign(made.folder, later=timedelta(minutes=1))
