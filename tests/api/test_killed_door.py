"""Killed at once and started again, door or database: nothing acknowledged is lost, nothing is
kept twice, and no body in part."""

import fcntl
import http.client
import json
import os
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from itertools import count
from pathlib import Path

import psycopg
import pytest

from apps.proof.merkle import leaf_hash
from apps.proof.tiles import appended
from config.launcher.services import free_port
from tests.api.test_ingest import SPAN, traces
from tests.clusters import OWNER, cluster_made
from tests.doors import door_process, post
from tests.processes import database_url, gone_within

pytestmark = pytest.mark.django_db(transaction=True)

SPANS = 5
SENDERS = 4
KILLS = 3


class Sending:
    """Senders that each send one body after another, every one again until it is acknowledged."""

    def __init__(self, port, token):
        self.port = port
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.sent, self.acknowledged, self.refused = [], [], Counter()
        self.numbers, self.is_over = count(1), threading.Event()
        self.threads = [threading.Thread(target=self._send) for _ in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def _send(self):
        while not self.is_over.is_set():
            spans = [f"{next(self.numbers):016x}" for _ in range(SPANS)]
            body = json.dumps(traces(*({**SPAN, "spanId": one} for one in spans))).encode()
            self.sent.append(spans)
            while not self.is_over.is_set():
                try:
                    status, _ = post(self.port, "/v1/traces", body, self.headers)
                except (OSError, http.client.HTTPException):
                    status = 0
                if status == 200:
                    self.acknowledged += spans
                    break
                self.refused[status] += 1
                time.sleep(0.05)

    def until(self, more):
        """Wait until so many more spans are acknowledged."""
        wanted, deadline = len(self.acknowledged) + more, time.monotonic() + 60
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < deadline, self.refused
            time.sleep(0.02)

    def end(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join(90)


def assert_whole(sending, url):
    """Against what stands in the database: every acknowledged span, each once, no body in part."""
    with psycopg.connect(url) as database:
        rows = database.execute(
            "SELECT leaf_index, span_id, header FROM activity_event ORDER BY leaf_index"
        ).fetchall()
        payloads = database.execute("SELECT count(*) FROM activity_payload").fetchone()[0]
        size, frontier = database.execute(
            "SELECT size, frontier FROM proof_log WHERE name = 'activity'"
        ).fetchone()
    kept = Counter(span for _, span, _ in rows)
    assert len(sending.acknowledged) > KILLS * SPANS
    assert set(sending.acknowledged) <= kept.keys()
    assert set(kept.values()) == {1}
    assert all(len(kept.keys() & set(spans)) in {0, SPANS} for spans in sending.sent)
    assert [leaf for leaf, _, _ in rows] == list(range(size))
    assert payloads == size
    edge, _ = appended(0, b"", [leaf_hash(header.encode()) for _, _, header in rows])
    assert edge == frontier


def environment_on(url):
    return {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
    }


def test_a_door_that_is_killed_under_load_loses_and_doubles_nothing(caller, tmp_path):
    with door_process(
        free_port(), environment_on(database_url()), tmp_path / "door.log", workers=2
    ) as door:
        sending = Sending(door.port, caller.token)
        try:
            for _ in range(KILLS):
                sending.until(20 * SPANS)
                door.kill()
                time.sleep(0.2)
                door.start()
            sending.until(20 * SPANS)
        finally:
            sending.end()
        assert sending.refused[0] > 0
        assert door.stop() == 0

    assert_whole(sending, database_url())


def test_a_database_that_is_killed_under_load_loses_and_doubles_nothing(caller, tmp_path):
    with cluster_made() as cluster:
        cluster.take_copy()
        url = cluster.url(OWNER)
        with door_process(free_port(), environment_on(url), tmp_path / "door.log") as door:
            sending = Sending(door.port, caller.token)
            try:
                for _ in range(KILLS):
                    sending.until(20 * SPANS)
                    cluster.kill()
                    time.sleep(0.2)
                    cluster.start()
                sending.until(20 * SPANS)
            finally:
                sending.end()
            assert sending.refused[503] > 0

            assert_whole(sending, url)


def test_who_reads_may_be_killed_and_ends_with_the_door(caller, tmp_path):
    """Nothing acknowledged is lost, the next body is read by others, and nobody is left behind."""
    with door_process(free_port(), environment_on(database_url()), tmp_path / "door.log") as door:
        sending = Sending(door.port, caller.token)
        try:
            for _ in range(KILLS):
                sending.until(20 * SPANS)
                killed(*readers_of(door.process.pid))
            sending.until(20 * SPANS)
        finally:
            sending.end()
        left = readers_of(door.process.pid)
        assert left
        # Also those made anew: a body comes by one wide pipe, and what was read goes by another.
        assert all(widths_of_pipes(one).count(1024 * 1024) == 2 for one in left)
        task = Path(f"/proc/{door.process.pid}/task/{door.process.pid}/children")
        killed(door.process.pid, *map(int, task.read_text().split()))
        assert gone_within(set(left), 20)

    assert_whole(sending, database_url())


def killed(*pids):
    """Where one of them is gone, the door may be quicker to end the next."""
    for one in pids:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def widths_of_pipes(pid):
    """In bytes, each pipe once, however many ends of it the process holds."""
    widths = {}
    for one in Path(f"/proc/{pid}/fd").iterdir():
        name = str(one.readlink())
        if name.startswith("pipe:"):
            opened = os.open(one, os.O_RDONLY | os.O_NONBLOCK)
            widths[name] = fcntl.fcntl(opened, fcntl.F_GETPIPE_SZ)
            os.close(opened)
    return list(widths.values())


def readers_of(door):
    """The processes of a door's session that a forkserver made."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        try:
            stat, command = (one / "stat").read_text(), (one / "cmdline").read_text()
        except OSError:
            continue
        _, parent, _, session = stat.rpartition(")")[2].split()[:4]
        if int(session) == door and "forkserver" in command:
            found.append((int(one.name), int(parent)))
    servers = {pid for pid, _ in found}
    return [pid for pid, parent in found if parent in servers]
