"""`make bench`: figures at a million rows, with machine, versions, and a ratio to psql.

Takes a database of its own, empty, and migrates it. Prints `ok` or `OVER` for each bound, and
ends with a failure if one is over. With fewer identities it shows only that everything runs.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import chain

import django
from django.core.management import call_command

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    django.setup()

from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.core.actors import Role, System
from apps.findings.services import figures_take, findings_recheck
from tests.bench.approvals import OPEN_REQUESTS, inbox_pages
from tests.bench.company import Size, company_make
from tests.bench.measure import Measured, machine, once
from tests.bench.orders import order_steps
from tests.bench.pages import home_page, list_pages
from tests.bench.reviews import evidence_steps, review_steps


def run(arguments: Sequence[str]) -> int:
    """Fill the database if it is empty, measure every step, and say how many are over."""
    size = size_asked_for(arguments)
    say(machine())
    call_command("migrate", verbosity=0)
    started = time.perf_counter()
    if not User.objects.exists():
        company_make(size)
        say(f"made {size.grants:,} credentials and grants in {time.perf_counter() - started:.0f} s")
    results: list[Measured] = []
    for measured in chain(steps(size), evidence_steps()):
        results.append(measured)
        say(measured.line())
    over = [measured for measured in results if not measured.holds]
    say(f"{len(results) - len(over)} within bounds, {len(over)} over")
    return 1 if over else 0


def size_asked_for(arguments: Sequence[str]) -> Size:
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument(
        "--identities",
        type=int,
        default=Size().identities,
        help="how many identities; each has five credentials and five grants",
    )
    identities = parser.parse_args(arguments).identities
    return Size(identities=identities, agents=max(identities // 10, 1))


def steps(size: Size) -> Iterator[Measured]:
    """Everything that is measured in this process, in the order of a working day."""
    system = System("bench")
    yield once("findings re-check, first", lambda: findings_recheck(actor=system), bound=60_000)
    yield once("findings re-check, again", lambda: findings_recheck(actor=system), bound=60_000)
    figures_take(day=timezone.localdate())
    client = Client()
    client.force_login(User.objects.get(role=Role.STEWARD))
    yield from home_page(client)
    yield from list_pages(client)
    yield from inbox_pages(client, min(OPEN_REQUESTS, size.identities))
    yield from review_steps(size)
    yield from order_steps(min(1000, size.identities))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
