"""Which readings the package leans on, and what it does not speak of."""

from typing import Any

from django.db.models import Q, QuerySet

from apps.approvals.models import BreakGlass, RequestProof
from apps.evidence.content.access.scope import Scope, start_of
from apps.evidence.content.files import Files
from apps.evidence.content.items import CHUNK
from apps.evidence.content.sources import NOT_COVERED, obtained
from apps.inventory.models import Source

SOURCES = [
    "source",
    "label",
    "format",
    "account",
    "stream",
    "file_name",
    "raw_sha256",
    "raw_bytes",
    "raw_in_package",
    "command",
    "provider_time",
    "read_at",
    "read",
    "accepted",
    "rejected",
    "obtained",
    "brought_by",
    "through",
]
SHOWN = 50


def sources_of(scope: Scope) -> QuerySet[Source]:
    """Readings that showed what was approved, or that told last of what it led to."""
    proofs = RequestProof.objects.filter(request__in=scope.pks).order_by().values("source")
    grants = scope.requests.order_by().values("grant__source")
    rows: QuerySet[Source] = Source.objects.filter(Q(pk__in=proofs) | Q(pk__in=grants))
    return rows.order_by("pk")


def source_pks(scope: Scope) -> QuerySet:
    return sources_of(scope).order_by().values("pk")


def write_sources(files: Files, scope: Scope) -> None:
    with files.csv("data/sources.csv", "Sources", SOURCES) as write:
        for source in sources_of(scope).iterator(CHUNK):
            write(
                [
                    source.pk,
                    source.label,
                    source.format,
                    source.account,
                    source.stream,
                    source.file_name,
                    source.raw_sha256,
                    source.raw_bytes,
                    False,
                    source.command,
                    source.provider_time,
                    source.read_at,
                    source.read_count,
                    source.accepted_count,
                    source.rejected_count,
                    obtained(source.independently_obtained),
                    source.brought_by_label,
                    source.channel,
                ]
            )


def sources_told(scope: Scope) -> list[dict[str, Any]]:
    """The first of them for the README; the file holds all."""
    return [
        {
            "label": source.label,
            "raw_sha256": source.raw_sha256,
            "read_at": source.read_at,
            "obtained": obtained(source.independently_obtained),
        }
        for source in sources_of(scope)[:SHOWN]
    ]


def write_not_covered(files: Files, gaps: list[dict[str, Any]]) -> None:
    with files.csv("data/not_covered.csv", "What it does not speak of", NOT_COVERED) as write:
        for gap in gaps:
            write([gap["what"], gap["count"], gap["why"]])


def not_covered(scope: Scope) -> list[dict[str, Any]]:
    """What the package does not speak of, and why, in words."""
    found = _of_period(scope) if scope.request_id is None else []
    unknown = scope.requests.filter(grant__isnull=False, grant__use_is_known=False).count()
    if unknown:
        what = "Whether the access was used, where use_is_known in data/grants.csv says no"
        found.append(_gap(what, "No source tells of its use.", unknown))
    always = (
        (
            "Access that was given without a request",
            "Requests are what was asked for in Countersign. What sources show beyond that is in "
            "the inventory, and in the packages of reviews.",
        ),
        (
            "Other access of the same agents, and the parts of dangerous combinations",
            "They may lie on systems that whoever reads this may not see. "
            "data/requests.jsonl names the combinations that a request would complete.",
        ),
        (
            "Owners of agents in the past, by name and number",
            "data/beneficiaries.csv tells who answers for an agent now, and since when. Earlier "
            "owners stand in data/governance.jsonl by name alone, and are not compared with votes.",
        ),
        (
            "The text of policies as they were",
            "The chain of each request is frozen with it (data/chain.csv). How its policy was "
            "changed stands in data/governance.jsonl.",
        ),
        (
            "The raw files that the sources were read from",
            "They are deleted once imported. data/sources.csv holds the SHA-256 of each.",
        ),
        (
            "What agents did with the access",
            "The package shows who may do what and who decided; it holds no activity logs.",
        ),
    )
    return [*found, *(_gap(what, why) for what, why in always)]


def _of_period(scope: Scope) -> list[dict[str, Any]]:
    earlier = scope.before.count()
    uses = BreakGlass.objects.filter(
        taken_at__lt=start_of(scope.since), ended_at__gte=start_of(scope.since)
    )
    if scope.system is not None:
        uses = uses.filter(system=scope.system)
    found = [
        _gap(
            "Requests asked for before the period, and not over when it began",
            "They belong to the period in which they were asked for.",
            earlier,
        ),
        _gap(
            "Break-glass uses taken before the period, and not over when it began",
            "They belong to the period in which they were taken.",
            uses.count(),
        ),
    ]
    if scope.system is not None:
        found.append(_gap("Every system but this one", f"It is of {scope.system} alone."))
    return found


def _gap(what: str, why: str, count: int | str = "") -> dict[str, Any]:
    return {"what": what, "count": count, "why": why}
