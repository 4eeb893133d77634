"""`make bench`: figures at a million rows, with machine, versions, and a ratio to psql.

Takes a database of its own, empty but migrated. Prints `ok` or `OVER` for each bound, and ends
with a failure if one is over.
"""

import os
import sys
import time

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
from tests.bench.company import Size, company_make
from tests.bench.measure import Measured, machine, once
from tests.bench.pages import home_page, list_pages
from tests.bench.reviews import review_steps


def run() -> int:
    say(machine())
    call_command("migrate", verbosity=0)
    started = time.perf_counter()
    if not User.objects.exists():
        company_make(Size())
    say(f"a company of 1,000,000 credentials and grants: {time.perf_counter() - started:.0f} s")
    results: list[Measured] = []
    for measured in steps():
        results.append(measured)
        say(measured.line())
    over = [measured for measured in results if not measured.holds]
    say(f"{len(results) - len(over)} within bounds, {len(over)} over")
    return 1 if over else 0


def steps():
    system = System("bench")
    yield once("findings re-check, first", lambda: findings_recheck(actor=system), bound=60_000)
    yield once("findings re-check, again", lambda: findings_recheck(actor=system), bound=60_000)
    figures_take(day=timezone.localdate())
    client = Client()
    client.force_login(User.objects.get(role=Role.STEWARD))
    yield from home_page(client)
    yield from list_pages(client)
    yield from review_steps()


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run())
