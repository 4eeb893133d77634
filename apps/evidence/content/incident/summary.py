"""A package of an incident, put together: its files, its figures, and its first page."""

from typing import Any

from apps.evidence.content.controls import write_controls_of
from apps.evidence.content.files import Files
from apps.evidence.content.incident.calls import write_addresses, write_calls, write_made
from apps.evidence.content.incident.controls import CONTROLS
from apps.evidence.content.incident.gaps import not_covered
from apps.evidence.content.incident.index import write_index
from apps.evidence.content.incident.orders import write_orders
from apps.evidence.content.incident.people import (
    write_agents,
    write_contacts,
    write_credential,
    write_leaks,
    write_people,
)
from apps.evidence.content.incident.record import entries_of
from apps.evidence.content.incident.scope import OUTCOMES, Case
from apps.evidence.content.incident.trail import write_seen
from apps.evidence.content.readings import SHOWN, sources_told, write_not_covered, write_sources
from apps.evidence.content.readme import contents, write_page
from apps.evidence.content.record import write_record
from apps.remediation.selectors.incidents import addresses_of

ORDERS_SHOWN = 50


def write_incident(files: Files, case: Case) -> dict[str, Any]:
    """Write everything; returns what the signed statement repeats of it."""
    write_credential(files, case)
    write_agents(files, case)
    write_leaks(files, case)
    write_addresses(files, case)
    listed = write_calls(files, case)
    sealed = write_seen(files, case)
    outcomes = write_made(files, case)
    write_orders(files, case)
    write_people(files, case)
    write_contacts(files, case)
    write_index(files, case)
    write_sources(files, case.sources)
    gaps = [*not_covered(case), *sealed.gaps]
    write_not_covered(files, gaps)
    write_record(files, entries_of(case))
    write_controls_of(files, CONTROLS)
    incident = case.incident
    facts = {
        "package": case.package,
        "number": 0,
        "status": files.status,
        "note": case.note,
        "name": str(incident),
        "incident": incident.pk,
        "state": incident.state,
        "credential": incident.credential_id,
        "order": incident.order_id,
        "exposed_since": incident.exposed_since,
        "opened_at": incident.opened_at,
        "closed_at": incident.closed_at,
        "log_read_at": incident.read_at,
        "log_complete_until": incident.complete_until,
        "log_is_cut": incident.is_cut,
        "log_problem": incident.problem,
        "calls": listed.count,
        "calls_sha256": listed.sha256,
        "records": {"api": sealed.records} if sealed.records else {},
        "payloads": sealed.payloads,
        "redactions": sealed.redactions,
        "dispositions": outcomes,
        "counts": dict(sorted(files.counts.items())),
    }
    files.json("data/incident.json", "The incident, and its figures", facts)
    _write_readme(files, case, facts, gaps)
    return facts


def _write_readme(
    files: Files, case: Case, facts: dict[str, Any], gaps: list[dict[str, Any]]
) -> None:
    addresses = addresses_of(case.incident)
    context = {
        "case": case,
        "incident": case.incident,
        "facts": facts,
        "addresses": addresses[:SHOWN],
        "outcomes": [(OUTCOMES[name], count) for name, count in facts["dispositions"].items()],
        "made": sum(facts["dispositions"].values()),
        "orders": case.orders.select_related("decided_by", "confirmed_by")[:ORDERS_SHOWN],
        "orders_shown": ORDERS_SHOWN,
        "not_covered": gaps,
        "sources": sources_told(case.sources),
        "shown": SHOWN,
        "controls": CONTROLS,
        "contents": contents(files),
    }
    write_page(files, "evidence/package/incident.html", context)
