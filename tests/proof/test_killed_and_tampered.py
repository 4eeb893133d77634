"""The signer as a process, on a PostgreSQL of its own: killed under load, and deceived."""

import json
import secrets
import time
from contextlib import contextmanager

import psycopg
import pytest

from apps.proof.memory import Memory
from apps.proof.merkle import leaf_hash, verify_consistency
from tests.clusters import APPLICATION, OWNER, cluster_made
from tests.proof.test_merkle import defined_root

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("launcher")]

# Delivers batches until told to end; says which were acknowledged. What was not, it sends again.
LOAD = """
import hashlib, json, sys, time
from pathlib import Path
from django.db import OperationalError, InterfaceError, connection
from apps.activity.headers import NOBODY
from apps.activity.readings import Reading
from apps.activity.services.append import Delivery, deliveries_append
name, enough = sys.argv[1], Path(sys.argv[2])
number = 0
while number < 3 or not enough.exists():
    names = [f"{name}-{number}-{at}" for at in range(40)]
    said = [Reading("action", one, 10**18, 10**18, body={"told": one}) for one in names]
    readings = [(one, NOBODY) for one in said]
    digest = hashlib.sha256(names[0].encode()).digest()
    while True:
        try:
            (receipt,) = deliveries_append([Delivery(name, digest, readings)])
            break
        except (OperationalError, InterfaceError):
            connection.close()
            time.sleep(0.2)
    print(json.dumps([names[0], receipt.first, receipt.count]), flush=True)
    number += 1
    time.sleep(0.1)
"""
# The signer as it is, but that it may sign as often as it looks.
SIGN = """
import sys
from datetime import timedelta
from django.core.management import execute_from_command_line
from apps.proof.management.commands import proof_sign
from apps.proof.services import signing
proof_sign.OFTENEST = signing.OFTENEST = timedelta(seconds=0.05)
execute_from_command_line(["manage.py", "proof_sign", *sys.argv[1:]])
"""


@contextmanager
def made():
    with cluster_made() as one:
        one.take_schema()
        yield one


@pytest.fixture(scope="module")
def cluster(django_db_setup, django_db_blocker):
    """One for tests that leave it as it was, but for more records."""
    with django_db_blocker.unblock(), made() as one:
        yield one


@pytest.fixture
def fresh(db):
    with made() as one:
        yield one


def memory_of(cluster):
    return Memory(cluster.home / "signer")


def delivered(cluster):
    """A few batches of 40, through the application."""
    name = secrets.token_hex(4)
    log = cluster.home / f"{name}.log"
    process = cluster.script(LOAD, name, "/", log=log)
    assert process.wait(120) == 0, log.read_text()


def sign(cluster, expected=0):
    log = cluster.home / f"sign-{secrets.token_hex(4)}.log"
    process = cluster.script(SIGN, "--once", log=log)
    assert process.wait(120) == expected, log.read_text()
    return log.read_text()


def ends(process, seconds=30):
    process.terminate()
    return process.wait(seconds)


def size_of(cluster):
    return cluster.ask("SELECT size FROM proof_log WHERE name = 'activity'")[0][0]


def test_killed_under_load_nothing_is_lost_nothing_is_sealed_twice(fresh):
    """The signer twice and the database in between, while two senders deliver."""
    cluster = fresh
    logs, enough = [cluster.home / f"load-{name}" for name in "ab"], cluster.home / "enough"
    loads = [cluster.script(LOAD, log.name, str(enough), log=log) for log in logs]
    signing = cluster.home / "sign.log"
    signer = cluster.script(SIGN, log=signing)
    for number in range(3):
        _until_signed_anew(cluster, signer, signing)
        if number == 1:
            cluster.kill()
            cluster.start()
        else:
            signer.kill()
            signer.wait(10)
            signer = cluster.script(SIGN, log=signing)
    _until_signed_anew(cluster, signer, signing)
    enough.touch()
    assert [one.wait(120) for one in loads] == [0, 0], [log.read_text()[-2000:] for log in logs]
    ends(signer)
    sign(cluster)

    receipts = [json.loads(line) for log in logs for line in log.read_text().splitlines()]
    rows = cluster.ask("SELECT leaf_index, name, header FROM activity_event ORDER BY leaf_index")
    named = {leaf: name for leaf, name, _ in rows}
    assert len(receipts) > 20
    for first_name, first, count in receipts:
        stem = first_name.rpartition("-")[0]
        assert [named[first + at] for at in range(count)] == [f"{stem}-{at}" for at in range(40)]
    assert len(set(named.values())) == len(rows) == size_of(cluster)
    assert [leaf for leaf, _, _ in rows] == list(range(len(rows)))
    assert len(cluster.ask("SELECT FROM activity_payload")) == len(rows)
    _signed_is_what_is_there(cluster, [leaf_hash(header.encode()) for _, _, header in rows])


def _until_signed_anew(cluster, signer, log):
    """Until the signer, as it runs now, has signed twice more: it is in the middle of its work."""
    before, deadline = _signed(cluster), time.monotonic() + 240
    while _signed(cluster) < before + 2:
        assert signer.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < deadline, log.read_text()[-2000:]
        time.sleep(0.02)


def _signed(cluster):
    return sum(bool(one.note) for one in memory_of(cluster).lines("activity", is_whole=True))


def _signed_is_what_is_there(cluster, leaves):
    """Each checkpoint, as the signer remembers it, is a beginning of the log; all are there."""
    lines = [one for one in memory_of(cluster).lines("activity", is_whole=True) if one.note]
    assert len(lines) > 5
    assert [one.size for one in lines] == sorted(one.size for one in lines)
    for one in (lines[0], lines[len(lines) // 2], lines[-1]):
        assert one.root == defined_root(leaves[: one.size])
    verify_consistency(
        old=lines[-1].size, old_root=lines[-1].root, new=lines[-1].size,
        new_root=defined_root(leaves[: lines[-1].size]), proof=[],
    )  # fmt: skip
    kept = cluster.ask("SELECT size, note FROM proof_checkpoint ORDER BY id")
    assert kept == [(one.size, one.note) for one in lines]
    assert lines[-1].size == len(leaves)


@pytest.mark.parametrize(
    "table",
    [
        "activity_event",
        "activity_payload",
        "activity_event_rest",
        "proof_tile",
        "proof_checkpoint",
        "proof_epoch",
        "audit_auditentry",
        "audit_seal",
    ],
)
def test_the_application_has_no_right_to_change_what_was_written(cluster, table):
    [(column,)] = cluster.ask(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1", table
    )
    for statement in (
        "UPDATE {0} SET {1} = {1}",
        "DELETE FROM {0}",
        "TRUNCATE {0}",
        "ALTER TABLE {0} DISABLE TRIGGER ALL",
        "DROP TABLE {0}",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            cluster.act(statement.format(table, column), role=APPLICATION)


def test_the_application_cannot_change_a_month_that_was_made_later(cluster):
    cluster.act("SELECT activity_make_partitions('2031-01-01', 1)", role=APPLICATION)

    for statement in ("UPDATE {} SET leaf_index = 1", "DELETE FROM {}", "TRUNCATE {}"):
        for table in ("activity_event_2031_01", "activity_payload_2031_01"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                cluster.act(statement.format(table), role=APPLICATION)


def test_the_application_can_shrink_no_log(cluster):
    delivered(cluster)

    with pytest.raises(psycopg.errors.IntegrityError, match="may not shrink"):
        cluster.act("UPDATE proof_log SET size = size - 1", role=APPLICATION)


def test_an_owner_who_takes_out_a_checkpoint_stops_the_signer(cluster):
    for _ in range(2):
        delivered(cluster)
        sign(cluster)
    taken = cluster.ask("SELECT * FROM proof_checkpoint ORDER BY id DESC OFFSET 1 LIMIT 1")[0]
    off = "ALTER TABLE proof_checkpoint {} TRIGGER USER"
    gone = "DELETE FROM proof_checkpoint WHERE id IN (SELECT id FROM proof_checkpoint {})"
    cluster.act(
        off.format("DISABLE"),
        gone.format("ORDER BY id DESC OFFSET 1 LIMIT 1"),
        off.format("ENABLE"),
    )

    said = sign(cluster, expected=3)

    assert ", was taken out" in said
    with psycopg.connect(cluster.url(OWNER)) as connection:
        places = ", ".join(["%s"] * len(taken))
        connection.execute(f"INSERT INTO proof_checkpoint VALUES ({places})", taken)  # noqa: S608
    sign(cluster)


def test_an_owner_who_drops_the_tail_stops_the_signer(cluster):
    delivered(cluster)
    before = size_of(cluster)
    edge = cluster.ask("SELECT frontier FROM proof_log WHERE name = 'activity'")[0][0]
    delivered(cluster)
    sign(cluster)
    after = cluster.ask("SELECT frontier FROM proof_log WHERE name = 'activity'")[0][0]
    assert size_of(cluster) > before
    assert memory_of(cluster).last("activity").size > before

    _head_put(cluster, before, edge)
    said = sign(cluster, expected=3)
    _head_put(cluster, memory_of(cluster).last("activity").size, after)

    assert f"shrank from {memory_of(cluster).last('activity').size} to {before}" in said


def _head_put(cluster, size, edge):
    with psycopg.connect(cluster.url(OWNER)) as connection:
        connection.execute("ALTER TABLE proof_log DISABLE TRIGGER USER")
        connection.execute(
            "UPDATE proof_log SET size = %s, frontier = %s WHERE name = 'activity'", [size, edge]
        )
        connection.execute("ALTER TABLE proof_log ENABLE TRIGGER USER")


def test_an_old_copy_of_the_whole_database_put_back_stops_the_signer(fresh):
    cluster = fresh
    delivered(cluster)
    sign(cluster)
    cluster.stop()
    cluster.copied("old")
    cluster.start()
    delivered(cluster)
    sign(cluster)
    signed = memory_of(cluster).last("activity").size
    cluster.stop()
    cluster.put_back("old")
    cluster.start()

    said = sign(cluster, expected=3)
    assert f"shrank from {signed}" in said
    while size_of(cluster) < signed:
        delivered(cluster)

    said = sign(cluster, expected=3)
    assert "begin with" in said or "not one" in said
    assert cluster.ask("SELECT trouble FROM proof_watch WHERE kind = 'signer' AND trouble <> ''")
