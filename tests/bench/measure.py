"""Timing, and the same queries in psql for reference."""

import os
import platform
import re
import shutil
import subprocess
import sys
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
    processor: float | None = None
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.milliseconds <= self.bound

    def line(self) -> str:
        ratio = f"{self.milliseconds / self.psql:5.1f}x" if self.psql else "     -"
        psql = f"{self.psql:9.1f}" if self.psql else "        -"
        cpu = f"{self.processor:6.1f}" if self.processor else "     -"
        return (
            f"{'ok ' if self.holds else 'OVER'} {self.name:<58}{self.milliseconds:10.1f} ms"
            f"  bound {self.bound:8.0f}  processor {cpu}  psql {psql}  ratio {ratio}"
            f"  queries {self.queries:3}  {self.note}"
        )


def page(client: Client, name: str, url: str, *, bound: float) -> Measured:
    """The median server time of a page, beside its share of this process's processor, and the
    same queries run one after another in psql. The processor's share tells a slow page from a
    busy machine.
    """
    response = client.get(url)
    if response.status_code != 200:
        return Measured(name, float("inf"), bound, note=f"answered {response.status_code}")
    with CaptureQueriesContext(
        connection,
    ) as captured:
        client.get(url)
    statements = [query["sql"] for query in captured.captured_queries]
    times, shares = zip(*(_timed(lambda: client.get(url)) for _ in range(RUNS)), strict=True)
    return Measured(
        name,
        median(times),
        bound,
        psql=in_psql(statements),
        queries=len(statements),
        processor=median(shares),
    )


def once(name: str, act: Callable[[], object], *, bound: float, note: str = "") -> Measured:
    started = time.perf_counter()
    answer = act()
    taken = (time.perf_counter() - started) * 1000
    return Measured(name, taken, bound, note=note or (str(answer) if answer is not None else ""))


def _timed(act: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds by the clock, and of the processor in this process."""
    started, busy = time.perf_counter(), time.process_time()
    act()
    return (time.perf_counter() - started) * 1000, (time.process_time() - busy) * 1000


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


LOOP = """
import time
def loop():
    started, total = time.perf_counter(), 0
    for one in range(8_000_000):
        total += one * one
    return time.perf_counter() - started
print(loop())
"""


def cores_worth() -> float:
    """How many times the work of one core all of them do at once.

    Two threads of one core, or cores that others use too, do less than twice the work of one.
    """
    count = os.cpu_count() or 1
    alone = min(_loops(1)[0], _loops(1)[0])
    together = _loops(count)
    return count * alone / (sum(together) / count)


def _loops(count: int) -> list[float]:
    begun = [
        subprocess.Popen([sys.executable, "-c", LOOP], stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    return [float(one.communicate()[0]) for one in begun]
