"""The join over a long trail: `python -m tests.bench.joined`, on what `tests.bench.kept` filled.

Takes away what was made of the newest records, and has the product make it anew beside all others:
runs and links by the projector, hours by the counter. Then each rule that reads of it, and the use
of grants. Beside each rate stands that of raw COPY of the same kind of rows in the same run.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    django.setup()

from django.utils import timezone

from apps.activity.models import Cursor, Event, HourDue, Invocation, Link
from apps.activity.services.drifting import drift_measure
from apps.activity.services.hours import RUNS, hours_count
from apps.activity.services.measuring import use_rebuild
from apps.activity.services.projecting import events_project
from apps.core.actors import System
from apps.findings.services import findings_recheck
from apps.proof.models import Log
from tests.bench.kept import raw_copy
from tests.bench.measure import Measured, machine, once

RULES = (
    "identity-unexplained",
    "agent-unconfirmed",
    "identity-attribution-lost",
    "identity-outside-grants",
    "identity-used-by-no-agent",
    "identity-new-address",
    "identity-new-client",
    "identity-new-hour",
    "grant-unused",
)
RULE_BOUND = 5_000


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench.joined", description=__doc__)
    parser.add_argument("--newest", type=int, default=50_000, help="how many are joined anew")
    wanted = parser.parse_args(arguments)
    say(machine())
    log = Log.objects.get(name="activity")
    say(f"{log.size:,} records, {Link.objects.count():,} joins")
    copied = raw_copy()
    say(f"raw COPY by one backend: {copied:,.0f} records/s")
    for line in rates(log, min(wanted.newest, log.size), copied):
        say(line)
    results = list(rules())
    for measured in results:
        say(measured.line())
    return 1 if any(not one.holds for one in results) else 0


def rates(log: Log, newest: int, copied: float) -> Iterator[str]:
    first = log.size - newest
    traces = Event.objects.following(log.pk, first).exclude(trace_id=None).values("trace_id")
    Invocation.objects.filter(log_id=log.pk, trace_id__in=traces).delete()
    Cursor.objects.filter(name=RUNS).update(leaf=first)
    HourDue.objects.all().delete()
    seconds = timed(lambda: events_project(most=10**9))
    yield rate("runs and joins", newest, seconds, copied)
    due = HourDue.objects.count()
    seconds = timed(lambda: hours_count(most=10**9))
    yield rate(f"{due:,} hours counted, of as many", newest, seconds, copied)


def rate(name: str, records: int, seconds: float, copied: float) -> str:
    return (
        f"   {name}: {records:,} records in {seconds:.1f} s, {records / seconds:,.0f}/s,"
        f" {records / seconds / copied:.2f} of raw COPY"
    )


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def rules() -> Iterator[Measured]:
    system, now = System("bench"), timezone.now()
    for key in RULES:
        yield once(
            key, lambda key=key: findings_recheck(actor=system, rules=[key]), bound=RULE_BOUND
        )
    yield once("purpose drift", lambda: drift_measure(moment=now), bound=RULE_BOUND)
    yield once("use of every grant, anew", use_rebuild, bound=60_000)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
