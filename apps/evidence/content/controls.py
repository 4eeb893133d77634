"""Which requirement which file speaks to, what it shows, and what it does not.

Requirements are told in plain words, not quoted.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.evidence.content.files import Files

COLUMNS = ["framework", "requirement", "about", "file", "claim", "does_not_show"]

_LAUNCH = "data/population_at_launch.csv"
_CLOSE = "data/population_at_close.csv"
_DECISIONS = "data/decisions.csv"
_SILENT = "data/no_answers.csv"
_ORDERS = "data/orders.csv"
_ACK = "data/acknowledgement.json"
_CAMPAIGN = "data/campaign.json"
_ASSIGNED = "data/assignments.csv"
_SOURCES = "data/sources.csv"
_GAPS = "data/not_covered.csv"
_RECORD = "data/governance.jsonl"

_SCOPE = (
    "That the scope holds every account in question: see data/not_covered.csv and data/sources.csv."
)
_EFFECT = "Anything about access outside the reviewed population."


@dataclass(frozen=True, slots=True)
class Control:
    framework: str
    requirement: str
    about: str
    files: tuple[str, ...]
    claim: str
    does_not_show: str


PCI = "PCI DSS v4.0.1"
SOC = "SOC 2 (Trust Services Criteria)"
ISO = "ISO/IEC 27001:2022 Annex A"
NIST = "NIST SP 800-53 Rev. 5"

CONTROLS = (
    Control(
        PCI,
        "7.2.4",
        "User accounts and their access are reviewed at least every six months; what is wrong is "
        "addressed; management acknowledges that access remains appropriate.",
        (_LAUNCH, _DECISIONS, _ORDERS, _ACK),
        "For the identities in the population: each was put to a named reviewer, what was to end "
        "has its order, and management's acknowledgement is given where the review is over.",
        "Accounts of people, which this package does not hold; and that a review took place every "
        "six months, which takes the packages of the whole period.",
    ),
    Control(
        PCI,
        "7.2.5",
        "Application and system accounts are assigned by least privilege and limited to the "
        "systems that need them.",
        (_LAUNCH, _DECISIONS, _ORDERS),
        "What each identity could do at launch, and that reviewers kept, narrowed, or ended it "
        "with a written reason for write and admin.",
        "That access was assigned by least privilege when it was first given.",
    ),
    Control(
        PCI,
        "7.2.5.1",
        "Access by application and system accounts is reviewed at the frequency of the entity's "
        "targeted risk analysis; what is wrong is addressed; management acknowledges.",
        (_CAMPAIGN, _CLOSE, _DECISIONS, _SILENT, _ORDERS, _ACK),
        "The review's population, decisions, orders, and acknowledgement, and the frequency with "
        "its stated reason where the campaign came from a template.",
        "The targeted risk analysis itself (12.3.1), and reviews in other periods.",
    ),
    Control(
        SOC,
        "CC6.1",
        "Logical access security over protected information assets.",
        (_LAUNCH, _SOURCES),
        "Which non-human identities held which access when the sources were read.",
        "How the systems enforce access, and anything a source does not report.",
    ),
    Control(
        SOC,
        "CC6.2",
        "Access is registered and authorised before it is issued, and removed when it is no "
        "longer authorised.",
        (_ORDERS, _CLOSE),
        "That access refused in this review was ordered removed, and how far each order came.",
        "Authorisation at the time the access was first issued.",
    ),
    Control(
        SOC,
        "CC6.3",
        "Access is authorised, modified, or removed by role, least privilege, and segregation of "
        "duties.",
        (_ASSIGNED, _DECISIONS, _ORDERS, _RECORD),
        "Who decided about each access and how that reviewer was found; nobody decides on what "
        "they asked for or made; removals are confirmed by somebody else.",
        _EFFECT,
    ),
    Control(
        ISO,
        "A.5.18",
        "Access rights are provisioned, reviewed, modified, and removed by the rules.",
        (_CLOSE, _DECISIONS, _ORDERS),
        "That the rights in the population were reviewed, and changed or removed where decided.",
        "How rights were provisioned.",
    ),
    Control(
        ISO,
        "A.8.2",
        "Privileged access rights are restricted and managed.",
        (_LAUNCH, _DECISIONS, _SILENT),
        "Each admin access in the population with its reviewer, decision, reason, and date until "
        "which it is kept; admin access without an answer was ordered suspended.",
        _SCOPE,
    ),
    Control(
        NIST,
        "AC-2",
        "Accounts are managed over their life; they are reviewed at a defined frequency (AC-2 j).",
        (_CLOSE, _DECISIONS, _ORDERS, _RECORD),
        "One review of the accounts in the population, with what followed from it.",
        "Creation and approval of accounts, and reviews in other periods.",
    ),
    Control(
        NIST,
        "AC-6",
        "Least privilege; privileges are reviewed to validate the need (AC-6(7)).",
        (_LAUNCH, _DECISIONS, _ORDERS),
        "That the need for each write and admin access was judged with a reason, and what was "
        "not needed was narrowed or ended.",
        _SCOPE,
    ),
)


def write_controls(files: Files, *, acknowledged: bool) -> None:
    """Write the controls; a claim points only at files that this package holds."""
    with files.csv("data/controls.csv", "Controls", COLUMNS) as write:
        for control in CONTROLS:
            present = [name for name in control.files if name != _ACK or acknowledged]
            lacks = "" if acknowledged or _ACK not in control.files else _NOT_ACKNOWLEDGED
            write(
                [
                    control.framework,
                    control.requirement,
                    control.about,
                    " ".join(present),
                    control.claim,
                    control.does_not_show + lacks,
                ]
            )


_NOT_ACKNOWLEDGED = " Management has not acknowledged this review yet."


def write_controls_of(files: Files, controls: Iterable[Control]) -> None:
    """Write the controls of a package that holds every file that they point at."""
    with files.csv("data/controls.csv", "Controls", COLUMNS) as write:
        for one in controls:
            named = [one.framework, one.requirement, one.about, " ".join(one.files)]
            write([*named, one.claim, one.does_not_show])
