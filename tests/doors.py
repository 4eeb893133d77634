"""The door of telemetry as a process of its own, and many senders at once."""

import http.client
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROTOBUF = "application/x-protobuf"


@dataclass
class DoorProcess:
    """Granian with the door, in a process group that can be killed as one."""

    port: int
    environment: Mapping[str, str]
    log: Path
    workers: int = 1
    process: subprocess.Popen | None = field(default=None, init=False)

    def start(self) -> "DoorProcess":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "granian", "config.ingest:application"),
                    *("--interface", "asgi", "--port", str(self.port), "--no-ws"),
                    # As in production: a worker told to end while it starts would never hear it.
                    *("--workers", str(self.workers), "--workers-kill-timeout", "5"),
                    *("--log-level", "warning"),
                ],
                cwd=ROOT,
                env=dict(self.environment),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while self.answers() != 200:
            assert time.monotonic() < deadline, self.log.read_text(errors="replace")
            time.sleep(0.05)
        return self

    def answers(self, path: str = "/readyz") -> int | None:
        try:
            return post(self.port, path, method="GET")[0]
        except (OSError, http.client.HTTPException):
            return None

    def kill(self) -> None:
        """At once, with all its workers: no handler of any signal runs."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(20)


@contextmanager
def door_process(
    port: int, environment: Mapping[str, str], log: Path, workers: int = 1
) -> Iterator[DoorProcess]:
    door = DoorProcess(port, environment, log, workers).start()
    try:
        yield door
    finally:
        door.kill()


def post(
    port: int,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    connection: http.client.HTTPConnection | None = None,
) -> tuple[int, bytes]:
    own = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        own.request(method, path, body, dict(headers or {}))
        answer = own.getresponse()
        return answer.status, answer.read()
    finally:
        if connection is None:
            own.close()


def send_all(
    port: int, path: str, bodies: Sequence[bytes], headers: Mapping[str, str], *, senders: int
) -> float:
    """Send every body once, from so many connections at once; returns how long it took.

    The senders are processes of their own, so that none waits for another's interpreter. Each
    takes the next body when it has been answered: whose door is quick sends more.
    """
    taken = multiprocessing.Value("i", 0)
    started = time.perf_counter()
    children = []
    for _ in range(senders):
        child = os.fork()
        if child == 0:
            os._exit(_send(port, path, _next_of(bodies, taken), headers))
        children.append(child)
    ends = [os.waitpid(child, 0)[1] for child in children]
    took = time.perf_counter() - started
    assert not any(ends), f"Not every body was taken: {ends}"
    return took


def _next_of(bodies: Sequence[bytes], taken: Any) -> Iterator[bytes]:
    while True:
        with taken.get_lock():
            at, taken.value = taken.value, taken.value + 1
        if at >= len(bodies):
            return
        yield bodies[at]


def _send(port: int, path: str, bodies: Iterable[bytes], headers: Mapping[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    for body in bodies:
        status = 429
        while status == 429:
            status, told = post(port, path, body, headers, connection=connection)
            if status == 429:
                time.sleep(0.2)
        if status != 200:
            os.write(2, f"{status} {told[:200]!r}\n".encode())
            return 1
    return 0
