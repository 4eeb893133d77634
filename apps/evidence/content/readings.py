"""The sources that a package leans on, and the list of what it does not speak of."""

from typing import Any

from django.db.models import QuerySet

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


def write_sources(files: Files, rows: QuerySet[Source]) -> None:
    with files.csv("data/sources.csv", "Sources", SOURCES) as write:
        for source in rows.iterator(CHUNK):
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


def sources_told(rows: QuerySet[Source]) -> list[dict[str, Any]]:
    """The first of them for the README; the file holds all."""
    return [
        {
            "label": source.label,
            "raw_sha256": source.raw_sha256,
            "read_at": source.read_at,
            "obtained": obtained(source.independently_obtained),
        }
        for source in rows[:SHOWN]
    ]


def write_not_covered(files: Files, gaps: list[dict[str, Any]]) -> None:
    with files.csv("data/not_covered.csv", "What it does not speak of", NOT_COVERED) as write:
        for one in gaps:
            write([one["what"], one["count"], one["why"]])


def gap(what: str, why: str, count: int | str = "") -> dict[str, Any]:
    return {"what": what, "count": count, "why": why}
