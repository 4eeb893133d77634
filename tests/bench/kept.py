"""Reading the trail with millions of records: `make bench ARGS="kept --records 10000000"`.

Takes a database of its own, empty or filled by an earlier run, and migrates it. Fifty agents work
for twenty months, each as an identity of a system whose log is read; `trail_fill` writes what they
told and what was recorded, and the product counts the hours and the use of grants. Then raw COPY of
some of the same rows is timed, and the pages of one run, of one agent, a search by correlation id,
proofs, and the sweeper.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import django
from django.core.management import call_command

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    django.setup()

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.activity.headers import Whose
from apps.activity.models import Invocation, Stream
from apps.activity.services.append import LOG
from apps.activity.services.hours import hours_count, hours_note_all
from apps.activity.services.measuring import use_measure, use_tell
from apps.activity.services.sweeping import SIZE, records_sweep
from apps.activity.states import LogFormat
from apps.core.actors import Role
from apps.proof.memory import Memory
from apps.proof.models import Log, Watch
from apps.proof.selectors import inclusion_proof
from apps.proof.services.logs import log_lock
from apps.proof.services.signing import logs_sign
from tests.bench.measure import Measured, machine, page
from tests.bench.trail_fill import deeds_count, trail_fill
from tests.bench.trail_told import BURST, DEEDS, Plan, Seat
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    CredentialFactory,
    IdentityFactory,
    SystemFactory,
)

AGENTS, SYSTEMS, MONTHS = 50, 5, 20
PAGE_BOUND, PROOF_BOUND = 50, 5
COPIED = 200_000
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIZES = """
    SELECT pg_size_pretty(pg_database_size(current_database())),
           pg_size_pretty(sum(pg_table_size(inhrelid))),
           pg_size_pretty(sum(pg_indexes_size(inhrelid)))
    FROM pg_inherits WHERE inhparent IN ('activity_event'::regclass, 'activity_payload'::regclass)
"""


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench.kept", description=__doc__)
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--check", action="store_true", help="sweep every record as well")
    wanted = parser.parse_args(arguments)
    say(machine())
    call_command("migrate", verbosity=0)
    if not Log.objects.filter(name=LOG, size__gt=0).exists():
        fill(wanted.records, wanted.processes)
    results = [*([whole()] if wanted.check else []), *steps()]
    for measured in results:
        say(measured.line())
    return 1 if any(not one.holds for one in results) else 0


def fill(wanted: int, processes: int) -> None:
    began = time.perf_counter()
    plan = plan_of(wanted)
    with stage("records, runs, and joins"):
        trail_fill(plan, processes=processes)
    loaded = time.perf_counter() - began
    project(plan.log_id, processes)
    seconds = time.perf_counter() - began
    rate, copied = plan.records / loaded, raw_copy()
    say(
        f"{plan.records:,} records in {seconds:.0f} s; written at {rate:,.0f}/s with {processes}"
        f" processes, {rate / copied:.2f} of raw COPY by one backend ({copied:,.0f}/s)"
    )
    with connection.cursor() as cursor:
        cursor.execute(SIZES)
        say("{} in all; records and words {}, their indexes {}".format(*cursor.fetchone()))


def plan_of(wanted: int) -> Plan:
    """A company of agents, each bound to an identity that holds a grant, and when they work."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    first = now - timedelta(days=30 * MONTHS)
    UserFactory(role=Role.STEWARD)
    systems = SystemFactory.create_batch(SYSTEMS)
    for system in systems:
        Stream.objects.create(
            system=system,
            log_format=LogFormat.GENERIC,
            covered=[[first.isoformat(), now.isoformat()]],
            complete_from=first,
            complete_until=now,
        )
    seats = [seat_of(systems[number % SYSTEMS]) for number in range(AGENTS)]
    with transaction.atomic():
        log = log_lock(LOG)
    return Plan(log.pk, tuple(seats), first, MONTHS * 30 * 24 - 1, max(1, wanted // BURST))


def seat_of(system) -> Seat:
    identity = IdentityFactory(system=system)
    agent = BindingFactory(agent=AgentFactory(active=True), identity=identity).agent
    credential = CredentialFactory(identity=identity)
    grant = GrantFactory(identity=identity, system=system)
    GrantStatementFactory(grant=grant, actions=[name for name, _ in DEEDS[:5]])
    return Seat(
        Whose(agent_id=agent.pk, agent=agent.name),
        Whose(
            identity_id=identity.pk,
            identity=identity.name,
            credential_id=credential.pk,
            system_id=system.pk,
            system=system.name,
        ),
        credential.external_id,
    )


def project(log_id: int, processes: int) -> None:
    """What the schedule does with what came in: hours, use, and the signature."""
    with stage("statistics"):
        vacuum("event", "payload", "invocation", "link", "ingestrequest")
    with stage("noting hours"):
        hours_note_all(log_id)
    with stage("counting hours of deeds"):
        deeds_count(processes=processes)
    with stage("counting hours of use"):
        hours_count(most=10**9)
    with stage("use of grants"):
        use_measure(most=1_000_000)
        use_tell(timezone.now())
    with stage("signing, statistics"):
        with tempfile.TemporaryDirectory() as folder:
            logs_sign(key=SIGNER, memory=Memory(Path(folder)), now=timezone.now(), is_first=True)
        vacuum("usehour", "deedhour", "hourdue", "sighting", "knowncall", "grantuse", "allowedcall")


def vacuum(*tables: str) -> None:
    """As autovacuum does in its own time."""
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"VACUUM (ANALYZE) activity_{table}")


def raw_copy() -> float:
    """Records a second of one backend that copies some of the same rows into tables alike."""
    told = {}
    with connection.cursor() as cursor:
        for table in ("activity_event", "activity_payload"):
            rows = f"SELECT * FROM {table} WHERE leaf_index < {COPIED} ORDER BY leaf_index"  # noqa: S608
            with cursor.copy(f"COPY ({rows}) TO STDOUT") as copy:
                told[table] = b"".join(map(bytes, copy))
            cursor.execute(f"CREATE TABLE {table}_raw (LIKE {table} INCLUDING ALL)")
        count = min(COPIED, Log.objects.get(name=LOG).size)
        started = time.perf_counter()
        with transaction.atomic():
            for table, rows in told.items():
                with cursor.copy(f"COPY {table}_raw FROM STDIN") as copy:
                    copy.write(rows)
        seconds = time.perf_counter() - started
        cursor.execute("DROP TABLE activity_event_raw, activity_payload_raw")
    return count / seconds


def whole() -> Measured:
    """Everything, by the sweeper: each record against its leaf, its words, and its columns."""
    log, began = Log.objects.get(name=LOG), time.perf_counter()
    read = records_sweep(chunks=10**6, longest=timedelta(days=1))
    seconds = time.perf_counter() - began
    trouble = " ".join(Watch.objects.in_trouble().values_list("trouble", flat=True))
    taken = seconds * 1000 if read == log.size and not trouble else float("inf")
    note = f"{read:,} of {log.size:,} records, {read / seconds:,.0f}/s. {trouble}"
    return Measured("every record swept", taken, 10**8, note=note)


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


@contextmanager
def stage(name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    say(f"   {name}: {time.perf_counter() - began:.1f} s")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
