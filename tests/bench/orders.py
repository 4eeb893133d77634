"""Revoking 1,000 keys in one go, against the bare loop over the provider's own client.

Both ask the same server the same things: disable each key, then read it anew. Where the test
servers' environment is not there it is made first.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from apps.accounts.models import User
from apps.connectors.models import Connection
from apps.connectors.states import ConnectionState
from apps.core.actors import Person, Role, System
from apps.inventory.models import Credential, Identity
from apps.inventory.models import System as Place
from apps.remediation.models import Order
from apps.remediation.services import orders
from apps.remediation.states import OrderKind, OrderState
from tests.bench.measure import Measured
from tests.processes import database_url
from tests.servers.aws import AwsServer, ministack_running

KEYS = 1000
ID, SECRET = "COUNTERSIGN_SECRET_BENCH_ID", "COUNTERSIGN_SECRET_BENCH_SECRET"


def order_steps(keys: int = KEYS) -> Iterator[Measured]:
    with TemporaryDirectory() as folder, ministack_running(Path(folder)) as server:
        bare, took, busy, idle = _both(server, _keys(server, keys), _keys(server, keys))
    yield Measured(
        f"revoke {keys:,} keys at once (bound: 1.5 times the bare loop)",
        took * 1000,
        1.5 * bare * 1000,
        note=f"bare loop {bare * 1000:,.0f} ms, ratio {took / bare:.2f}",
    )
    yield Measured(
        "a page meanwhile (bound: twice the same page when idle)",
        busy * 1000,
        2 * idle * 1000,
        note=f"idle {idle * 1000:.0f} ms",
    )


def _keys(server: AwsServer, count: int) -> list[tuple[str, str]]:
    """Users with one key each: (user, key id)."""
    iam, made = server.client("iam"), []
    for number in range(count):
        name = f"bench-{os.getpid()}-{time.monotonic_ns()}-{number}"
        iam.create_user(UserName=name)
        made.append((name, iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]))
    return made


def _bare(server: AwsServer, keys: list[tuple[str, str]]) -> float:
    iam = server.client("iam")
    started = time.perf_counter()
    for name, key in keys:
        iam.update_access_key(UserName=name, AccessKeyId=key, Status="Inactive")
        listed = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
        assert [one["Status"] for one in listed if one["AccessKeyId"] == key] == ["Inactive"]
    return time.perf_counter() - started


type Keys = list[tuple[str, str]]


def _both(server: AwsServer, theirs: Keys, ours: Keys) -> tuple[float, float, float, float]:
    """Seconds of the bare loop, and of as many orders; of a page meanwhile, and when idle.

    Somebody looks at the pages all the time, during both.
    """
    steward = User.objects.filter(role=Role.STEWARD).first()
    assert steward is not None
    name = f"second-{time.monotonic_ns()}"
    other = User.objects.create(username=name, email=f"{name}@example.com", role=Role.STEWARD)
    credentials = _records(server, ours, steward, other)
    with _watching(steward) as watcher:
        watcher.take(at_least=3)
        idle = median(watcher.take(at_least=10))
        bare = _bare(server, theirs)
        watcher.take(at_least=0)
        started = time.perf_counter()
        _revoke(credentials, steward, other)
        took = time.perf_counter() - started
        busy = median(watcher.take(at_least=1))
    return bare, took, busy, idle


def _revoke(credentials: list[int], steward: User, other: User) -> None:
    batch = orders.credentials_end_many(
        credential_ids=credentials,
        kind=OrderKind.REVOKE,
        reason="Left behind after the move.",
        actor=Person(steward),
    )
    if batch.is_held:
        orders.batch_judge(batch_id=batch.pk, release=True, reason="Seen.", actor=Person(other))
    orders.orders_run_awake(actor=System("bench"))
    states = set(Order.objects.filter(batch=batch).values_list("state", flat=True))
    assert states == {OrderState.EXECUTED}, states
    assert not Order.objects.filter(batch=batch, stopped_at__isnull=True).exists()


def _records(server: AwsServer, keys: list[tuple[str, str]], *stewards: User) -> list[int]:
    os.environ[ID], os.environ[SECRET] = server.root.id, server.root.secret
    place, _ = Place.objects.get_or_create(
        name="Bench AWS", defaults={"kind": "aws", "account": server.account}
    )
    told = {
        "auth": "references",
        "access_key_id": f"env:{ID}",
        "secret_access_key": f"env:{SECRET}",
        "regions": ["us-east-1"],
        "endpoint": server.endpoint,
    }
    Connection.objects.update_or_create(
        name=place.name,
        defaults={"told": told},
        create_defaults={
            "told": told,
            "kind": "aws",
            "state": ConnectionState.REMOVING,
            "removal_asked_by": stewards[0],
            "removal_allowed_by": stewards[1],
            "accounts": [server.account],
            "calls_per_second": 1000,
        },
    )
    identities = Identity.objects.bulk_create(
        Identity(
            system=place,
            name=name,
            kind="aws-user",
            external_id=f"arn:aws:iam::{server.account}:user/{name}",
        )
        for name, _ in keys
    )
    made = Credential.objects.bulk_create(
        Credential(identity=identity, kind="access-key", external_id=key)
        for identity, (_, key) in zip(identities, keys, strict=True)
    )
    return [credential.pk for credential in made]


# The web is a process of its own, as in production: a list of orders, opened again and again.
WATCHER = """
import sys, time
import django
django.setup()
from django.test import Client
from django.urls import reverse
from apps.accounts.models import User
client = Client()
client.force_login(User.objects.get(pk=int(sys.argv[1])))
while True:
    started = time.perf_counter()
    assert client.get(reverse("remediation:order_list")).status_code == 200
    print(time.perf_counter() - started, flush=True)
    time.sleep(0.2)
"""


class Watcher:
    """Somebody who looks at the list of orders all the time. `take` tells the times since then."""

    def __init__(self, process: subprocess.Popen[str]):
        self.seen: list[float] = []
        self.process = process
        assert process.stdout is not None
        self.lines = process.stdout
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        self.seen.extend(map(float, self.lines))

    def take(self, *, at_least: int) -> list[float]:
        while len(self.seen) < at_least:
            if self.process.poll() is not None:
                raise RuntimeError("Nobody looks at the pages any more.")
            time.sleep(0.05)
        taken, self.seen[:] = list(self.seen), []
        return taken


@contextmanager
def _watching(steward: User) -> Iterator[Watcher]:
    command = [sys.executable, "-c", WATCHER, str(steward.pk)]
    environment = {**os.environ, "DATABASE_URL": database_url()}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        watcher = Watcher(process)
        try:
            yield watcher
        finally:
            process.kill()
            watcher.reader.join()
