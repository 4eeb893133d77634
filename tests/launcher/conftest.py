import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from config.launcher.services import free_port
from tests.processes import parents

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 120


@dataclass
class Demo:
    """A demo as a person starts it: a process, what it printed, and every child it has."""

    data: Path
    port: int
    log: Path
    command: list[str]
    environment: dict[str, str]
    user: int | None = None
    process: subprocess.Popen | None = field(default=None, init=False)

    def start(self):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else [],
                start_new_session=True,
            )
        return self

    def until_ready(self):
        return self.until(lambda: "Countersign is ready" in self.printed(), "ready")

    def until(self, holds, what):
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, f"not {what} in time:\n{self.printed()}"
            assert self.process.poll() is None, f"ended before {what}:\n{self.printed()}"
            time.sleep(0.1)
        return self

    def printed(self):
        return self.log.read_text(errors="replace")

    def door(self):
        """The port at which agents' telemetry comes in, as the demo tells it."""
        return int(re.search(r"telemetry goes to +http://localhost:(\d+)/", self.printed())[1])

    def answers(self, path="/healthz", port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=5)
        try:
            connection.request("GET", path, headers={"Host": "localhost"})
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    def signed_in_as(self):
        """Who signs in with what the demo prints: an empty one has an administrator alone."""
        (email,) = re.findall(r"^    \w+ +(\S+@\S+)$", self.printed(), re.MULTILINE)
        (password,) = re.findall(r"^    password +(\S+)$", self.printed(), re.MULTILINE)
        base = f"http://localhost:{self.port}"
        opener = build_opener(HTTPCookieProcessor())
        form = opener.open(f"{base}/accounts/login/", timeout=30).read().decode()
        (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form))
        told = {"csrfmiddlewaretoken": token, "login": email, "password": password}
        answer = opener.open(f"{base}/accounts/login/", urlencode(told).encode(), timeout=30)
        return email if answer.url == f"{base}/" else answer.url

    def own_children(self):
        return {pid for pid, parent in parents() if parent == self.process.pid}

    def children(self):
        """Every process below the supervisor, by id."""
        known = dict(parents())
        found, fresh = set(), {self.process.pid}
        while fresh:
            fresh = {pid for pid, parent in known.items() if parent in fresh}
            found |= fresh
        return found

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def home():
    """A folder that the services' user can pass through; pytest closes its own to others."""
    with tempfile.TemporaryDirectory(prefix="countersign-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture(scope="session")
def static_root():
    """One folder of collected files for all demos: what is in it does not depend on data."""
    with tempfile.TemporaryDirectory(prefix="countersign-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o777)
        yield Path(made)


@pytest.fixture
def demo(home, static_root):
    """Make demos that share nothing with the tests' own services, and end what is left."""
    made = []

    def make(*, data=None, port=None, **changes):
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DATABASE_", "REDIS_", "DJANGO_", "COUNTERSIGN_", "PYTEST_"))
        }
        number = len(made)
        one = Demo(
            data=data or home / "data",
            port=port or free_port(),
            log=home / f"demo-{number}.log",
            command=changes.pop("command", [sys.executable, "-m", "config.launcher", "demo"]),
            environment=environment,
            user=changes.pop("user", None),
        )
        one.environment |= {
            "PORT": str(one.port),
            "COUNTERSIGN_DATA_DIR": str(one.data),
            "COUNTERSIGN_SAMPLE": "0",
            "STATIC_ROOT": str(static_root),
            **changes,
        }
        made.append(one)
        return one

    yield make
    for one in made:
        if one.process is not None and one.process.poll() is None:
            one.process.kill()
            one.process.wait(10)
