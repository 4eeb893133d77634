"""For tests that start a process of their own on the database of the test."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

from django.db import connection

WORKER = """
import ctypes, signal, sys
if sys.platform == "linux":  # not to outlive the test, however that ends
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
from config.celery import app
app.conf.task_always_eager = False
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
    """Run a Celery worker that takes what the test's broker holds, and end it."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "COUNTERSIGN_DATA_DIR": str(data_dir),
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield log
            process.terminate()
            process.wait(20)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
