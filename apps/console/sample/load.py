"""The whole sample, in order, through the services that people use, where they can."""

from collections.abc import Iterator

from django.utils import timezone

from apps.console.sample.endings import endings_load
from apps.console.sample.figures import figures_load
from apps.console.sample.found import found_load
from apps.console.sample.inventory import inventory_load
from apps.console.sample.past import past_reviews_load
from apps.console.sample.people import people_load
from apps.console.sample.requests import requests_load
from apps.console.sample.running import running_review_load
from apps.console.sample.runs import runs_load
from apps.console.sample.schedule import templates_load
from apps.core.actors import Channel, Person, System
from apps.findings.services import findings_recheck


def sample_load(*, password: str) -> Iterator[str]:
    """Load everything into an empty database; yields a line for each part that is done."""
    now = timezone.now()
    system = System("sample_data", Channel.COMMAND)
    people = people_load(password=password, actor=system)
    yield f"{len(people)} people"
    steward = Person(people["administrator"], Channel.COMMAND)
    inventory_load(now=now, actor=steward)
    yield "inventory"
    templates_load(people=people, now=now, actor=steward)
    items = past_reviews_load(people=people, now=now)
    yield f"two reviews of the past, {items} items"
    findings_recheck(actor=system)
    yield "findings"
    running_review_load(people=people, actor=steward)
    yield "a review that is running"
    yield f"{requests_load(people=people, actor=steward)} access requests"
    endings_load(people=people, actor=steward, system=system)
    yield "access that runs out, and an emergency"
    found_load(people=people, now=now, actor=steward)
    findings_recheck(actor=system)
    yield "a later reading, and what it found"
    yield f"{runs_load(now=now)} runs of agents"
    figures_load(today=timezone.localdate())
    yield "figures of half a year"
