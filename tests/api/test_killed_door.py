"""Killed at once and started again, door or database: nothing acknowledged is lost, nothing is
kept twice, and no body in part."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from django.db import connection

from apps.proof.merkle import leaf_hash
from apps.proof.tiles import appended
from config.launcher.services import free_port
from tests.api.test_ingest import SPAN, traces
from tests.doors import door_process, post
from tests.processes import database_url

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


class Cluster:
    """A PostgreSQL of its own that keeps what it says, with a copy of the test's database."""

    def __init__(self, folder):
        self.folder, self.process = folder, None
        self.user = "nobody" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(folder, self.user)
        self.data = folder / "data"
        self._run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync")

    @property
    def url(self):
        return f"postgres://postgres@/postgres?host={self.folder}"

    def start(self):
        self.process = subprocess.Popen(
            [
                *("postgres", "-D", self.data, "-k", self.folder),
                *("-c", "listen_addresses=", "-c", "logging_collector=off"),
            ],
            user=self.user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            else:
                return

    def kill(self):
        """The postmaster and all its backends, which are in sessions of their own."""
        own = self.process.pid
        backends = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        for pid in [own, *map(int, backends)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(10)

    def fill(self):
        """Everything of the test's database, tokens included."""
        at = connection.settings_dict
        dump = ["pg_dump", "--no-owner", "--no-privileges", "-h", at["HOST"], "-U", at["USER"]]
        dump += ["-p", str(at["PORT"])] if at["PORT"] else []
        copied = self.folder / "copy.sql"
        with copied.open("wb") as out:
            subprocess.run(
                [*dump, at["NAME"]],
                stdout=out,
                env={**os.environ, "PGPASSWORD": at["PASSWORD"]},
                check=True,
            )
        load = ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "postgres"]
        subprocess.run([*load, "-f", copied], stdout=subprocess.DEVNULL, check=True)

    def _run(self, *command):
        subprocess.run(command, user=self.user, stdout=subprocess.DEVNULL, check=True)


@pytest.fixture
def cluster():
    with TemporaryDirectory(prefix="countersign-") as folder:
        made = Cluster(Path(folder))
        yield made
        if made.process is not None and made.process.poll() is None:
            made.kill()


def test_a_database_that_is_killed_under_load_loses_and_doubles_nothing(caller, cluster, tmp_path):
    cluster.start()
    cluster.fill()
    with door_process(free_port(), environment_on(cluster.url), tmp_path / "door.log") as door:
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

        assert_whole(sending, cluster.url)
