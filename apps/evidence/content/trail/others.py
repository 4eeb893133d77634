"""What else happened in a period: campaigns, requests, incidents, agents, and their packages."""

from itertools import batched
from typing import Any

from django.db.models import F, Q, QuerySet

from apps.activity.models import Invocation
from apps.approvals.models import AccessRequest
from apps.evidence.content.files import Files
from apps.evidence.content.items import CHUNK
from apps.evidence.content.trail.scope import Tale, moments_of
from apps.evidence.models import Package
from apps.inventory.models import Agent
from apps.remediation.models import Incident
from apps.reviews.models import Campaign

COLUMNS = [
    "number",
    "name",
    "state",
    "began_at",
    "ended_at",
    "package",
    "package_sha256",
    # Each row ends with the status of the package that it stands in.
    "own_package_status",
]


def write_others(files: Files, tale: Tale) -> None:
    """One file a kind. Each names the newest package of its own, by the digest of its zip."""
    start, end = moments_of(tale.since, tale.until)
    campaigns = Campaign.objects.filter(launched_at__lt=end).filter(
        Q(closed_at__isnull=True) | Q(closed_at__gte=start)
    )
    requests = AccessRequest.objects.filter(submitted_at__lt=end).filter(
        Q(access_ended_at__isnull=True) | Q(access_ended_at__gte=start)
    )
    incidents = Incident.objects.filter(opened_at__lt=end).filter(
        Q(closed_at__isnull=True) | Q(closed_at__gte=start)
    )
    ran = Invocation.objects.filter(first_recorded__lt=end, last_recorded__gte=start)
    agents = Agent.objects.filter(pk__in=ran.order_by().values("agent_id").distinct())
    _write(files, "campaigns", "Reviews under way", campaigns, ("launched_at", "closed_at"))
    asked = ("submitted_at", "access_ended_at")
    _write(files, "requests", "Requests under way", requests, asked)
    _write(files, "incidents", "Incidents under way", incidents, ("opened_at", "closed_at"))
    _write(files, "agents", "Agents that ran", agents, ("created_at", ""))


def _write(
    files: Files,
    name: str,
    title: str,
    rows: QuerySet[Any],
    times: tuple[str, str],
) -> None:
    subject = name.removesuffix("s")
    if subject == "incident":
        rows = rows.select_related("order", "credential__identity__system")
    with files.csv(f"data/{name}.csv", title, COLUMNS) as write:
        for some in batched(rows.order_by("pk").iterator(CHUNK), CHUNK):
            newest = _packages(subject, [one.pk for one in some])
            for one in some:
                began, ended = (getattr(one, at) if at else None for at in times)
                package = newest.get(one.pk, ("", "", ""))
                write([one.pk, str(one), one.state, began, ended, *package])


def _packages(subject: str, pks: list[int]) -> dict[int, tuple[str, str, str]]:
    """The newest built package of each."""
    rows = Package.objects.built().filter(**{f"{subject}__in": pks}).order_by("pk")
    return {
        of: (name, sha256, "INTERIM" if interim else "FINAL")
        for of, name, sha256, interim in rows.annotate(of=F(f"{subject}_id")).values_list(
            "of", "file_name", "sha256", "is_interim"
        )
    }
