"""A package of requests, put together: its files, its figures, and its first page."""

from typing import Any

from apps.evidence.content.access.break_glass import write_uses
from apps.evidence.content.access.chain import (
    write_beneficiaries,
    write_chain,
    write_notes,
    write_votes,
)
from apps.evidence.content.access.controls import CONTROLS
from apps.evidence.content.access.ends import (
    write_contacts,
    write_ends,
    write_proposals,
    write_provisioning,
)
from apps.evidence.content.access.record import entries_of
from apps.evidence.content.access.requests import write_requests
from apps.evidence.content.access.scope import Scope, words_of
from apps.evidence.content.access.sources import not_covered, sources_of
from apps.evidence.content.controls import write_controls_of
from apps.evidence.content.files import Files
from apps.evidence.content.readings import SHOWN, sources_told, write_not_covered, write_sources
from apps.evidence.content.readme import contents, write_page
from apps.evidence.content.record import write_record


def write_access(files: Files, scope: Scope) -> dict[str, Any]:
    """Write everything; returns what the signed statement repeats of it."""
    listed = write_requests(files, scope)
    write_chain(files, scope)
    write_beneficiaries(files, scope)
    write_votes(files, scope)
    write_notes(files, scope)
    write_provisioning(files, scope)
    write_proposals(files, scope)
    write_ends(files, scope)
    write_contacts(files, scope)
    uses = write_uses(files, scope)
    write_sources(files, sources_of(scope))
    gaps = not_covered(scope)
    write_not_covered(files, gaps)
    write_record(files, entries_of(scope))
    write_controls_of(files, CONTROLS)
    facts = {
        "package": scope.package,
        "number": 0,
        "status": files.status,
        "note": scope.note,
        "name": scope.name,
        "request": scope.request_id,
        "period_from": scope.since,
        "period_to": scope.until,
        "system_id": scope.system.pk if scope.system else None,
        "system": str(scope.system) if scope.system else None,
        "requests": listed.count,
        "requests_sha256": listed.sha256,
        "dispositions": listed.outcomes,
        "break_glass_uses": uses,
        "counts": dict(sorted(files.counts.items())),
    }
    files.json("data/access.json", "What it is about, and its figures", facts)
    _write_readme(files, scope, facts, gaps)
    return facts


def _write_readme(
    files: Files, scope: Scope, facts: dict[str, Any], gaps: list[dict[str, Any]]
) -> None:
    context = {
        "scope": scope,
        "facts": facts,
        "outcomes": [(words_of(name), count) for name, count in facts["dispositions"].items()],
        "not_covered": gaps,
        "sources": sources_told(sources_of(scope)),
        "sources_shown": SHOWN,
        "controls": CONTROLS,
        "contents": contents(files),
    }
    write_page(files, "evidence/package/access.html", context)
