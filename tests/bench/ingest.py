"""`make bench ARGS=ingest`: how fast telemetry is kept, side by side in one run on one machine.

The door, which reads in a process for each processor, scrubbing on and linking left to the worker;
raw COPY, which is one backend copying the same rows into the same tables with the same indexes;
and, where a Python that has it is named, MLflow's tracking server with two workers, the same
bodies, and the same PostgreSQL. All are durable: acknowledged after commit, with fsync on.
"""

import argparse
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import django
from django.core.management import call_command

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    django.setup()

from datetime import timedelta

from allauth.idp.oidc.models import Token
from django.db import connection
from django.utils import timezone

from apps.activity.models import Event
from apps.inventory.states import APPEND_TRAIL
from config.launcher.services import free_port
from tests.bench.measure import cores_worth, machine
from tests.bench.telling import bodies
from tests.doors import PROTOBUF, door_process, post, send_all
from tests.factories.inventory import AgentClientFactory

SENDERS = 16
# So many spans, in two bodies of each sender, go before what is measured.
WARMING = 2048
TABLES = "activity_event, activity_payload, activity_ingestrequest"


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench.ingest", description=__doc__)
    parser.add_argument("--spans", type=int, default=262_144, help="how many spans in each part")
    parser.add_argument("--mlflow", default="", help="a Python that has mlflow and psycopg2")
    asked = parser.parse_args(arguments)
    say(f"{machine()}; at once they do {cores_worth():.1f} times the work of one core")
    call_command("migrate", verbosity=0)
    headers = {"Authorization": f"Bearer {token()}", "Content-Type": PROTOBUF}
    with tempfile.TemporaryDirectory() as folder:
        rates, copied = of_door(headers, asked.spans, Path(folder))
        tell("raw COPY, one backend", copied, copied)
        for name, rate in rates.items():
            tell(name, rate, copied)
        if asked.mlflow:
            rates["mlflow"] = of_mlflow(asked.mlflow, Path(folder), asked.spans // 4)
            tell("MLflow, 512 spans a request", rates["mlflow"], copied)
    ratio = rates[DOOR.format(512)] / copied
    holds = ratio >= 0.5
    say(f"{'ok ' if holds else 'OVER'} door against raw COPY at 512: {ratio:.2f}, wanted 0.50")
    if "mlflow" in rates:
        times = rates[DOOR.format(512)] / rates["mlflow"]
        holds = holds and times >= 20
        verdict = "ok " if times >= 20 else "OVER"
        say(f"{verdict} door against MLflow at 512: {times:.0f}x, wanted 20x")
    return 0 if holds else 1


def tell(name: str, rate: float, copied: float) -> None:
    say(f"{name:<40} {rate:10,.0f} spans/s  {rate / copied:6.2f} of raw COPY")


DOOR = "door, {} spans a request"


def of_door(headers: dict[str, str], spans: int, folder: Path) -> tuple[dict[str, float], float]:
    """The door's rates by spans a request, and raw COPY's for what came in at 512."""
    rates, copied = {}, 0.0
    for size, share in ((512, 1), (32, 4), (8, 16)):
        sent = list(bodies(spans // share // size, spans=size, seed=size))
        empty()
        with door_process(free_port(), door_environment(), folder / "door.log") as door:
            warm(door.port, headers)
            took = send_all(door.port, "/v1/traces", sent, headers, senders=SENDERS)
        rates[DOOR.format(size)] = len(sent) * size / took
        assert Event.objects.count() == len(sent) * size + WARMING
        if size == 512:
            copied = of_copy(folder)
    return rates, copied


def of_copy(folder: Path) -> float:
    """Copy what the door wrote out, empty the tables, and copy it in again in one transaction."""
    told = {}
    with connection.cursor() as cursor:
        for table in ("activity_event", "activity_payload"):
            rows = f"SELECT * FROM {table} ORDER BY leaf_index"  # noqa: S608
            with cursor.copy(f"COPY ({rows}) TO STDOUT") as copy:
                told[table] = b"".join(map(bytes, copy))
        count = Event.objects.count()
        empty()
        started = time.perf_counter()
        cursor.execute("BEGIN")
        for table, rows in told.items():
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(rows)
        cursor.execute("COMMIT")
    return count / (time.perf_counter() - started)


def of_mlflow(python: str, folder: Path, spans: int) -> float:
    """Its tracking server with two workers on a database of its own in the same cluster."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE mlflow")
    at = connection.settings_dict
    url = (
        f"postgresql+psycopg2://{at['USER']}:{quote(at['PASSWORD'])}@/mlflow?host={at['HOST']}"
        + (f"&port={at['PORT']}" if at["PORT"] else "")
    )
    port = free_port()
    with (folder / "mlflow.log").open("wb") as log:
        server = subprocess.Popen(
            [
                *(python, "-m", "mlflow", "server", "--backend-store-uri", url),
                *("--port", str(port), "--workers", "2"),
                *("--artifacts-destination", str(folder / "artifacts")),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + 180
        while not answers(port):
            assert server.poll() is None, (folder / "mlflow.log").read_text()
            assert time.monotonic() < until, (folder / "mlflow.log").read_text()
            time.sleep(0.5)
        headers = {"Content-Type": PROTOBUF, "x-mlflow-experiment-id": "0"}
        sent = list(bodies(spans // 512, spans=512, seed=512))
        warm(port, headers)
        took = send_all(port, "/v1/traces", sent, headers, senders=SENDERS)
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)
    return len(sent) * 512 / took


def warm(port: int, headers: dict[str, str]) -> None:
    """What processes load and learn with their first bodies is no part of their rate."""
    first = list(bodies(2 * SENDERS, spans=WARMING // (2 * SENDERS), seed=0))
    send_all(port, "/v1/traces", first, headers, senders=SENDERS)


def answers(port: int) -> bool:
    try:
        return post(port, "/health", method="GET")[0] == 200
    except OSError:
        return False


def token() -> str:
    """A token as the product's own endpoint makes it, for an agent that may tell what it does."""
    client = AgentClientFactory(scopes=[APPEND_TRAIL])
    value = secrets.token_urlsafe(32)
    made = Token(
        type=Token.Type.ACCESS_TOKEN,
        client=client.oauth_client,
        expires_at=timezone.now() + timedelta(hours=2),
    )
    made.set_value(value)
    made.set_scopes([APPEND_TRAIL])
    made.save()
    return value


def door_environment() -> dict[str, str]:
    """The settings of production: connections stay open."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ALLOWED_HOSTS": "localhost",
    }


def empty() -> None:
    """As before any of it came, indexes included."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {TABLES} CASCADE")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
