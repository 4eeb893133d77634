"""Which requirement which file of the trail speaks to, what it shows, and what it does not."""

from apps.evidence.content.controls import ISO, NIST, PCI, SOC, Control

_EVENTS = "data/events.jsonl"
_LINKS = "data/links.csv"
_RUNS = "data/invocations.csv"
_GRANTS = "data/grants.csv"
_WHY = "data/justifications.csv"
_VOTES = "data/votes.csv"
_REVIEWS = "data/reviews.csv"
_RECORD = "data/governance.jsonl"
_PROOF = "data/proof/activity/checkpoint.txt"

_SAID = "That an agent told all that it did: data/links.csv shows what systems recorded beside it."
_LOGS = "What the logs of systems do not hold, or had not delivered: see data/not_covered.csv."

OF_RECORDS = (
    Control(
        PCI,
        "10.2.1",
        "Audit logs record individual access and actions, and are enabled for all components.",
        (_EVENTS, _RUNS),
        "Each action of the agent with its time, target, and outcome, under whose credential.",
        _SAID,
    ),
    Control(
        PCI,
        "10.3.2",
        "Audit log files are protected from modification.",
        (_EVENTS, _PROOF),
        "Each line stands in a log whose signed checkpoint the verifier works out anew.",
        "How long logs are kept elsewhere.",
    ),
    Control(
        SOC,
        "CC7.2",
        "System components are monitored for anomalies.",
        (_EVENTS, _RUNS, _LINKS),
        "What the agent flagged itself, and the API calls that systems recorded beside it.",
        _LOGS,
    ),
    Control(
        ISO,
        "A.8.15",
        "Logs of activities are produced, kept, protected, and analysed.",
        (_EVENTS, _LINKS, _PROOF),
        "The records as they were sealed, with the proof that none was changed.",
        _LOGS,
    ),
    Control(
        NIST,
        "AU-10",
        "It can be shown irrefutably that somebody did what they did.",
        (_EVENTS, _PROOF, _RECORD),
        "Records and audit entries under signed checkpoints of append-only logs.",
        _SAID,
    ),
)
OF_CHAIN = (
    Control(
        SOC,
        "CC6.3",
        "Access is authorised, changed, and removed by role and least privilege.",
        (_GRANTS, _WHY, _VOTES, _REVIEWS),
        "For what the agent acts as: each grant, why it stands, who approved and who reviewed it.",
        "That each action needed the grants that allowed it.",
    ),
    Control(
        NIST,
        "AC-6(9)",
        "The use of privileged functions is logged.",
        (_EVENTS, _GRANTS),
        "The actions, and the access levels of the grants that what the agent acts as held then.",
        f"Which grant allowed which action: no file ties one to the other. {_LOGS}",
    ),
)
# The chain is in every package: of whom it tells, or of all in the period.
CONTROLS = OF_RECORDS + OF_CHAIN
