"""For tests that start processes of their own: on the test's database, watched, and ended."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from config.launcher.supervisor import LIBC, PR_SET_PDEATHSIG

WORKER = """
import ctypes, signal, sys
if sys.platform == "linux":  # not to outlive the test, however that ends
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
from pathlib import Path
from celery.signals import worker_ready
from config.celery import app
app.conf.task_always_eager = False
worker_ready.connect(lambda **_: Path(sys.argv[1]).touch(), weak=False)
app.worker_main(["worker", "--concurrency", "1", "--without-mingle", "--without-gossip"])
"""


def database_url() -> str:
    """The address of the test's database; sockets and passwords included."""
    at = connection.settings_dict
    login = f"{at['USER']}:{at['PASSWORD']}" if at["PASSWORD"] else at["USER"]
    port = f"&port={at['PORT']}" if at["PORT"] else ""
    return f"postgres://{login}@/{at['NAME']}?host={at['HOST']}{port}"


@contextmanager
def worker_process(log, data_dir):
    """Run a Celery worker that takes what the test's broker holds, and end it.

    It is there already as the block begins, as in production: a busy machine starts it slowly.
    """
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "COUNTERSIGN_DATA_DIR": str(data_dir),
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "CELERY_SKIP_CHECKS": "true",
    }
    ready = log.with_suffix(".ready")
    ready.unlink(missing_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(ready)],
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + 60
            while not ready.exists():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield log
            process.terminate()
            process.wait(20)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def dies_with_the_test():
    """However the test ends, nothing that it started outlives it."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def parents():
    """Every process that has not ended, and its parent."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            state, parent = stat.rpartition(")")[2].split()[:2]
            if state != "Z":
                yield int(entry.name), int(parent)


def alive(pids):
    return pids & {pid for pid, _ in parents()}


def stopped(pid):
    """Hold a process where it is, so that it starts no other; returns once it does."""
    os.kill(pid, signal.SIGSTOP)
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "TtZ":
        time.sleep(0.001)


def gone_within(pids, seconds):
    deadline = time.monotonic() + seconds
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not alive(pids)
