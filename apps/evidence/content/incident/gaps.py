"""What a package of an incident does not speak of, and why, in words."""

from typing import Any

from apps.evidence.content.files import utc
from apps.evidence.content.incident.scope import Case
from apps.evidence.content.readings import gap

ALWAYS = (
    (
        "Calls before the time of exposure",
        "The log is read from then on; data/incident.json says from when.",
    ),
    (
        "What was sent in a call, and what was answered",
        "The log is read for who called what, from where, and whether it was refused.",
    ),
    (
        "What was done in other systems with what was learned",
        "Only the log of the credential's own system is read.",
    ),
    (
        "The secret itself",
        "It is not stored anywhere in Countersign; neither is what was pasted or reported.",
    ),
    (
        "The raw log",
        "It stays in the system. data/calls.csv holds its number for each call.",
    ),
)


def not_covered(case: Case) -> list[dict[str, Any]]:
    return [*_of_the_log(case), *(gap(what, why) for what, why in ALWAYS)]


def _of_the_log(case: Case) -> list[dict[str, Any]]:
    incident, found = case.incident, []
    if incident.read_at is None:
        found.append(gap("What the credential did", "The system's log was not read yet."))
    elif incident.problem:
        found.append(gap("What the credential did, as far as it was not read", incident.problem))
    elif incident.complete_until is None:
        found.append(gap("Calls that the log delivers late", "It does not say how late it may be."))
    else:
        what = f"Calls after {utc(incident.complete_until)}"
        found.append(gap(what, "Logs arrive late; until then the log can be relied on."))
    if incident.is_cut:
        found.append(gap("Calls beyond those listed", "There were more than are kept."))
    return found
