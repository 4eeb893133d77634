"""Reading the trail with millions of records: `python -m tests.bench.kept --records 10000000`.

Takes a database of its own, empty or filled by an earlier run, and migrates it. Records come
through the real door into the real tables, spread over months; then the pages of one run, of one
agent, a search by correlation id, and proofs are measured. A part of the records is summed up,
so that runs have their pages; the records of all others lie beside them.
"""

import argparse
import hashlib
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import django
from django.core.management import call_command

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    django.setup()

from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.activity.headers import Whose
from apps.activity.models import Cursor, Invocation
from apps.activity.readings import Reading
from apps.activity.services import append
from apps.activity.services.append import Delivery, deliveries_append
from apps.activity.services.hours import RUNS, hours_count
from apps.activity.services.projecting import events_project
from apps.activity.services.sweeping import SIZE, records_sweep
from apps.core.actors import Role
from apps.inventory.models import Agent
from apps.proof.models import Log
from apps.proof.selectors import inclusion_proof
from tests.bench.measure import Measured, machine, page
from tests.factories.accounts import UserFactory
from tests.factories.inventory import AgentFactory

AGENTS, MONTHS, BATCH, STEPS = 50, 20, 10_000, 19
SUMMED_UP = 100_000
PAGE_BOUND, PROOF_BOUND = 50, 5


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench.kept", description=__doc__)
    parser.add_argument("--records", type=int, default=10_000_000)
    wanted = parser.parse_args(arguments).records
    say(machine())
    call_command("migrate", verbosity=0)
    fill(wanted)
    results = list(steps())
    for measured in results:
        say(measured.line())
    return 1 if any(not one.holds for one in results) else 0


def fill(wanted: int) -> None:
    log = Log.objects.filter(name="activity").first()
    have = log.size if log else 0
    if have >= wanted:
        return
    if not Agent.objects.exists():
        UserFactory(role=Role.STEWARD)
        AgentFactory.create_batch(AGENTS)
    agents = [Whose(agent_id=one.pk, agent=one.name) for one in Agent.objects.all()[:AGENTS]]
    started = time.perf_counter()
    first = timezone.now() - timedelta(days=30 * MONTHS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT activity_make_partitions(%s, %s)", [first.date(), MONTHS + 2])
    for at in range(have, wanted, BATCH):
        moment = first + (timezone.now() - first) * (at / wanted)
        readings = list(batch(at, moment, agents))
        digest = hashlib.sha256(str(at).encode()).digest()
        with patch.object(append.timezone, "now", lambda moment=moment: moment):
            deliveries_append([Delivery("bench", digest, readings)])
    seconds = time.perf_counter() - started
    say(f"loaded {wanted - have:,} records in {seconds:.0f} s, {(wanted - have) / seconds:,.0f}/s")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) activity_event")
        cursor.execute("VACUUM (ANALYZE) activity_payload")
    size = Log.objects.get(name="activity").size
    Cursor.objects.update_or_create(name=RUNS, defaults={"leaf": max(0, size - SUMMED_UP)})
    events_project()
    hours_count(most=10_000_000)


def batch(at: int, moment: datetime, agents: Sequence[Whose]) -> Iterator[tuple[Reading, Whose]]:
    """Runs of twenty records each: how it began, steps, actions, and calls that name a request."""
    chance = random.Random(at)  # noqa: S311 - no secret
    for number in range(BATCH // (STEPS + 1)):
        trace, whose = f"{chance.getrandbits(128):032x}", chance.choice(agents)
        start = int(moment.timestamp() * 1e9) + number * 10**6
        for step in range(STEPS + 1):
            kind = ("invocation", "step", "action", "call")[min(step, 1 + step % 3)]
            yield (
                Reading(
                    kind,
                    f"{kind} {step % 7}",
                    start + step * 10**6,
                    start + (step + 1) * 10**6,
                    trace_id=trace,
                    span_id=f"{step + 1:016x}",
                    parent_id="" if step == 0 else f"{1:016x}",
                    correlation=trace,
                    request_id=f"REQ-{trace[:12]}-{step}" if kind == "call" else "",
                    outcome="ok",
                    body={"told": "The customer wants a refund for this order. " * 4, "n": step},
                ),
                whose,
            )


def steps() -> Iterator[Measured]:
    client = Client()
    client.force_login(User.objects.filter(role=Role.STEWARD).first())
    newest = Invocation.objects.order_by("-started_at")[50]
    yield page(client, "a run", newest.get_absolute_url(), bound=PAGE_BOUND)
    agent = reverse("activity:agent_activity", args=[newest.agent_id])
    yield page(client, "an agent's activity", agent, bound=PAGE_BOUND)
    runs = reverse("activity:invocation_list", query={"agent": newest.agent_id})
    yield page(client, "an agent's runs", runs, bound=PAGE_BOUND)
    search = reverse("activity:search", query={"q": f"corr:{newest.trace}"})
    yield page(client, "search by correlation id", search, bound=PAGE_BOUND)
    month = f"{datetime.now(UTC) - timedelta(days=200):%Y-%m-%d}"
    wide = reverse("activity:search", query={"q": f"corr:{newest.trace} after:{month}"})
    yield page(client, "the same over months", wide, bound=PAGE_BOUND)
    yield proofs()
    yield sweeping()


def proofs() -> Measured:
    log = Log.objects.get(name="activity")
    chance, times = random.Random(7), []  # noqa: S311 - no secret
    began_work = time.process_time()
    for _ in range(200):
        leaf = chance.randrange(log.size)
        began = time.perf_counter()
        inclusion_proof(log, leaf, log.size)
        times.append((time.perf_counter() - began) * 1000)
    share = (time.process_time() - began_work) * 1000 / len(times)
    times.sort()
    note = f"p95 {times[190]:.1f} ms of 200, {log.size:,} leaves"
    return Measured("inclusion proof", times[100], PROOF_BOUND, processor=share, note=note)


def sweeping() -> Measured:
    """A minute's share of the sweeper: so many records, each against leaf, words, and columns."""
    began = time.perf_counter()
    read = records_sweep(chunks=40, now=timezone.now() + timedelta(days=3))
    seconds = time.perf_counter() - began
    note = f"{read:,} records, {read / seconds:,.0f}/s"
    return Measured(f"sweep of 40 x {SIZE}", seconds * 1000, 60_000, note=note)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
