"""The first page of a package: what is in it, what it says, and how to check it."""

from typing import Any

from django.template.loader import render_to_string

from apps.evidence.content.controls import CONTROLS
from apps.evidence.content.files import Files
from apps.evidence.content.items import words_of
from apps.evidence.content.report import report_of
from apps.evidence.content.review import Review
from apps.evidence.content.sources import not_covered, obtained, sources_of

NAME = "data/README.html"
REPORT = "data/report.pdf"


def write_readme(files: Files, review: Review, facts: dict[str, Any]) -> None:
    context = {
        "campaign": review.campaign,
        "status": review.status,
        "note": review.note,
        "facts": facts,
        "dispositions": _dispositions(facts["dispositions"]),
        "total": sum(facts["dispositions"].values()),
        "not_covered": not_covered(review),
        "sources": _sources(review),
        "controls": CONTROLS,
        "contents": contents(files),
    }
    write_page(files, "evidence/package/readme.html", context)


def write_addendum_readme(files: Files, review: Review, facts: dict[str, Any]) -> None:
    context = {"campaign": review.campaign, "facts": facts, "contents": contents(files)}
    write_page(files, "evidence/package/addendum.html", context)


def write_page(files: Files, template: str, context: dict[str, Any]) -> None:
    """The first page, and the same as PDF."""
    page = render_to_string(template, context)
    files.add(NAME, "This page", page.encode())
    files.add(REPORT, "This page as PDF", report_of(page))


def contents(files: Files) -> list[dict[str, Any]]:
    """The files so far, each with its title and number of rows."""
    return [
        {"name": name, "title": title, "rows": files.counts.get(name)}
        for name, title in sorted(files.titles.items())
    ]


def _dispositions(counts: dict[str, int]) -> list[tuple[str, int]]:
    return [(words_of(name), count) for name, count in counts.items()]


def _sources(review: Review) -> list[dict[str, Any]]:
    return [
        {
            "moment": used.get_moment_display(),
            "label": used.source.label,
            "raw_sha256": used.source.raw_sha256,
            "read_at": used.source.read_at,
            "stale": used.is_stale,
            "obtained": obtained(used.source.independently_obtained),
        }
        for used in sources_of(review)
    ]
