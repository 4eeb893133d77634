"""A package of the trail, put together: its files, its figures, and its first page."""

from typing import Any

from apps.core.errors import DomainError
from apps.evidence.content.controls import write_controls_of
from apps.evidence.content.files import Files
from apps.evidence.content.readings import write_not_covered
from apps.evidence.content.readme import contents, write_page
from apps.evidence.content.record import write_record
from apps.evidence.content.trail.chain import chain_of, chain_of_period, write_access, write_chain
from apps.evidence.content.trail.controls import CONTROLS
from apps.evidence.content.trail.events import write_events
from apps.evidence.content.trail.gaps import not_covered, redactions_of, write_redactions
from apps.evidence.content.trail.links import write_invocations, write_links
from apps.evidence.content.trail.ocsf_governance import told_as_ocsf
from apps.evidence.content.trail.others import write_others
from apps.evidence.content.trail.record import (
    entries_of_chain,
    entries_of_period,
    range_of_period,
)
from apps.evidence.content.trail.scope import Tale
from apps.evidence.subjects import Subject

TRAIL = "data/trail.json"


def write_trail(files: Files, tale: Tale) -> dict[str, Any]:
    """Write everything; returns what the signed statement repeats of it."""
    listed = write_events(files, tale)
    if not listed.kinds and tale.about != Subject.WHOLE:
        raise DomainError("The trail holds no signed record of that, so there is nothing to prove.")
    write_links(files, tale)
    write_invocations(files, tale)
    if tale.about == Subject.WHOLE:
        write_others(files, tale)
        write_access(files, chain_of_period(tale))
        claimed = range_of_period(tale)
        write_record(files, told_as_ocsf(files, entries_of_period(tale, claimed)), claimed=claimed)
    else:
        chain = chain_of(tale)
        write_chain(files, chain)
        write_record(files, told_as_ocsf(files, entries_of_chain(tale, chain)))
    redactions = redactions_of(tale, listed)
    write_redactions(files, redactions)
    gaps = not_covered(tale, listed)
    write_not_covered(files, gaps)
    write_controls_of(files, CONTROLS)
    facts = {
        "package": tale.package,
        "number": 0,
        "status": files.status,
        "note": tale.note,
        "name": tale.name,
        "about": tale.about,
        "trace": tale.invocation.trace if tale.invocation else None,
        "agent": tale.agent.pk if tale.agent else None,
        "since": tale.since.isoformat() if tale.since else None,
        "until": tale.until.isoformat() if tale.until else None,
        "records": dict(sorted(listed.kinds.items())),
        "payloads": dict(sorted(listed.payloads.items())),
        "redactions": redactions,
        "counts": dict(sorted(files.counts.items())),
    }
    files.json(TRAIL, "What it is about, and its figures", facts)
    _write_readme(files, tale, facts, gaps)
    return facts


def _write_readme(
    files: Files, tale: Tale, facts: dict[str, Any], gaps: list[dict[str, Any]]
) -> None:
    context = {
        "tale": tale,
        "facts": facts,
        "logs": files.logs,
        "total": sum(facts["records"].values()),
        "not_covered": gaps,
        "controls": CONTROLS,
        "contents": contents(files),
    }
    write_page(files, "evidence/package/trail.html", context)
