"""A PostgreSQL of a test's own, with both roles of production, that may be killed and put back."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from config.launcher.data import service_account
from tests.processes import database_url, dies_with_the_test, gone_within, parents, stopped

OWNER, APPLICATION = "countersign_owner", "countersign"
ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def cluster_made():
    """One that is gone with all it kept when the block ends."""
    with tempfile.TemporaryDirectory(prefix="countersign-", ignore_cleanup_errors=True) as folder:
        one = Cluster(Path(folder))
        try:
            yield one
        finally:
            one.stop()


@dataclass
class Cluster:
    home: Path
    process: subprocess.Popen | None = field(default=None, init=False)

    def __post_init__(self):
        self.home.chmod(0o711)
        account = service_account(self.home)
        self.user = account.uid if account else None
        self._own(self.data.parent)
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N")
        self.start()
        with psycopg.connect(self.url("postgres", "postgres"), autocommit=True) as connection:
            for role in (OWNER, APPLICATION):
                connection.execute(f"CREATE ROLE {role} LOGIN")
            connection.execute(f"CREATE DATABASE countersign OWNER {OWNER}")

    @property
    def data(self):
        return self.home / "own" / "data"

    def url(self, role, name="countersign"):
        return f"postgres://{role}@/{name}?host={self.data.parent}"

    def start(self):
        command = [shutil.which("postgres"), "-D", str(self.data), "-k", str(self.data.parent)]
        self.process = subprocess.Popen(
            [*command, "-c", "listen_addresses=", "-c", "fsync=on"],
            cwd=self.data,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=dies_with_the_test,  # noqa: PLW1509 - started from the main thread
            **self._as(),
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                return psycopg.connect(self.url("postgres", "postgres")).close()
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "PostgreSQL did not start"
                time.sleep(0.2)

    def kill(self):
        """As a power cut does: every process of it at once, and nothing is written after.

        One that is made while they are looked for would live on, and hold what a new start needs.
        """
        stopped(self.process.pid)
        below = {pid for pid, parent in parents() if parent == self.process.pid}
        for pid in (self.process.pid, *below):
            with suppress(ProcessLookupError):  # it may have seen that the others are gone
                os.kill(pid, signal.SIGKILL)
        self.process.wait(20)
        assert gone_within(below, 20)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)

    def copied(self, name):
        shutil.copytree(self.data, self.home / name)

    def put_back(self, name):
        shutil.rmtree(self.data)
        shutil.copytree(self.home / name, self.data)
        for path in (self.data, *self.data.rglob("*")):
            self._own(path)

    def take_schema(self):
        """The tables of the test's own database, as the owner, and the application's rights."""
        self._load("--schema-only")
        self.manage("database_grant", APPLICATION, role=OWNER)

    def take_copy(self):
        """Everything of the test's own database, tokens included, as the owner."""
        self._load()

    def _load(self, *what):
        dump = [shutil.which("pg_dump"), *what, "--no-owner", "--no-privileges", database_url()]
        told = subprocess.run(dump, capture_output=True, check=True).stdout
        load = [shutil.which("psql"), "-q", "-v", "ON_ERROR_STOP=1", self.url(OWNER)]
        subprocess.run(load, input=told, check=True, stdout=subprocess.DEVNULL)

    def environment(self, role=APPLICATION):
        return {
            **{k: v for k, v in os.environ.items() if k != "DATABASE_OWNER_URL"},
            "DATABASE_URL": self.url(role),
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "COUNTERSIGN_DATA_DIR": str(self.home / "files"),
            "PROOF_SIGNER_KEY": str(self.home / "signer" / "key.pem"),
            "PYTHONPATH": str(ROOT),
        }

    def manage(self, *arguments, role=APPLICATION, expected=0):
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment(role),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == expected, done.stderr
        return done.stdout + done.stderr

    def script(self, code, *arguments, log):
        """A process of its own that runs this with Django set up."""
        begun = "import django; django.setup()\n"
        with log.open("ab") as out:
            return subprocess.Popen(
                [sys.executable, "-c", begun + code, *arguments],
                cwd=ROOT,
                env=self.environment(),
                stdout=out,
                stderr=subprocess.STDOUT,
                preexec_fn=dies_with_the_test,  # noqa: PLW1509
            )

    def ask(self, sql, *arguments, role=OWNER):
        with psycopg.connect(self.url(role)) as connection:
            return connection.execute(sql, arguments).fetchall()

    def act(self, *statements, role=OWNER):
        with psycopg.connect(self.url(role)) as connection:
            for statement in statements:
                connection.execute(statement)

    def _run(self, program, *arguments):
        command = [shutil.which(program), *map(str, arguments)]
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, cwd=self.data.parent, **self._as()
        )

    def _as(self):
        return {} if self.user is None else {"user": self.user, "group": self.user}

    def _own(self, path):
        if not path.exists():
            path.mkdir(mode=0o700)
        if self.user is not None:
            os.chown(path, self.user, self.user)
