"""Timing, and the same queries in psql for reference."""

import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

RUNS = 5


@dataclass(frozen=True, slots=True)
class Measured:
    name: str
    milliseconds: float
    bound: float
    psql: float | None = None
    queries: int = 0
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.milliseconds <= self.bound

    def line(self) -> str:
        ratio = f"{self.milliseconds / self.psql:5.1f}x" if self.psql else "     -"
        psql = f"{self.psql:9.1f}" if self.psql else "        -"
        return (
            f"{'ok ' if self.holds else 'OVER'} {self.name:<48}{self.milliseconds:10.1f} ms"
            f"  bound {self.bound:8.0f}  psql {psql}  ratio {ratio}  queries {self.queries:3}"
            f"  {self.note}"
        )


def page(client: Client, name: str, url: str, *, bound: float) -> Measured:
    """The median server time of a page, beside the same queries run one after another in psql."""
    response = client.get(url)
    if response.status_code != 200:
        return Measured(name, float("inf"), bound, note=f"answered {response.status_code}")
    with CaptureQueriesContext(
        connection,
    ) as captured:
        client.get(url)
    statements = [query["sql"] for query in captured.captured_queries]
    times = [_timed(lambda: client.get(url)) for _ in range(RUNS)]
    return Measured(name, median(times), bound, in_psql(statements), len(statements))


def once(name: str, act: Callable[[], object], *, bound: float, note: str = "") -> Measured:
    started = time.perf_counter()
    answer = act()
    taken = (time.perf_counter() - started) * 1000
    return Measured(name, taken, bound, note=note or (str(answer) if answer is not None else ""))


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


def in_psql(statements: list[str]) -> float | None:
    """The median time psql needs for the reads among these statements; None without psql."""
    reads = [sql for sql in statements if sql.lstrip().upper().startswith("SELECT")]
    psql = shutil.which("psql")
    # Another connection sees nothing of an open transaction, and waits for its locks.
    if not reads or psql is None or connection.in_atomic_block:
        return None
    script = "\n".join(["\\timing on", *[f"{sql.rstrip(';')};" for sql in reads]] * 3)
    done = subprocess.run(
        [psql, "-X", "-q", "-o", os.devnull],
        input=script,
        env=os.environ | _psql_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    times = [float(found) for found in re.findall(r"Time: ([\d.]+) ms", done.stdout)]
    if len(times) != 3 * len(reads):
        return None
    return median(sum(times[at : at + len(reads)]) for at in range(0, len(times), len(reads)))


def _psql_environment() -> dict[str, str]:
    settings = connection.settings_dict
    return {
        "PGHOST": str(settings["HOST"]),
        "PGPORT": str(settings["PORT"] or 5432),
        "PGUSER": str(settings["USER"]),
        "PGPASSWORD": str(settings["PASSWORD"]),
        "PGDATABASE": str(settings["NAME"]),
    }


def machine() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (server,) = cursor.fetchone()
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()},"
        f" PostgreSQL {server}"
    )
