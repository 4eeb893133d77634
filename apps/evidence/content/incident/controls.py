"""Which requirement which file of an incident speaks to, what it shows, and what it does not."""

from apps.evidence.content.controls import ISO, NIST, PCI, SOC, Control

_CREDENTIAL = "data/credentials.csv"
_ADDRESSES = "data/addresses.csv"
_CALLS = "data/calls.csv"
_WHOLE = "data/calls.jsonl"
_MADE = "data/made.csv"
_ORDERS = "data/orders.csv"
_STEPS = "data/steps.csv"
_LEAKS = "data/leaks.csv"
_TOLD = "data/contacts.csv"
_INDEX = "data/index.csv"
_PEOPLE = "data/people.csv"
_RECORD = "data/governance.jsonl"

_LOG = "What the system's log does not hold, or had not delivered: see data/not_covered.csv."
_PLAN = "That a plan for incidents exists beyond Countersign, and that people were trained for it."

CONTROLS = (
    Control(
        PCI,
        "8.6.3",
        "Passwords of application and system accounts are protected, and changed when they are "
        "known or suspected to be compromised.",
        (_CREDENTIAL, _LEAKS, _ORDERS, _STEPS),
        "When the credential was ordered dead, when that was carried out, from when it could be "
        "relied on, and how it was seen to hold, in the system's own words.",
        "Other credentials that the same people or places may have had.",
    ),
    Control(
        PCI,
        "12.10.5",
        "Alerts of security systems are watched and responded to.",
        (_LEAKS, _TOLD, _ORDERS, _INDEX),
        "From the report of the leak to the credential's end, with who was called and when.",
        _PLAN,
    ),
    Control(
        SOC,
        "CC7.3",
        "Security events are evaluated to see whether they are, or could become, incidents.",
        (_ADDRESSES, _CALLS, _MADE),
        "What was done with the credential since it was exposed, and what was made with it.",
        _LOG,
    ),
    Control(
        SOC,
        "CC7.4",
        "Identified security incidents are responded to: contained, remedied, and told of.",
        (_ORDERS, _STEPS, _MADE, _TOLD),
        "Each step that contained it, what took back what was made, and who was told.",
        _PLAN,
    ),
    Control(
        ISO,
        "A.5.26",
        "Incidents are responded to as documented procedures say.",
        (_INDEX, _PEOPLE, _RECORD),
        "What was done, in order of time, by whom, and why.",
        _PLAN,
    ),
    Control(
        ISO,
        "A.5.28",
        "Evidence of security events is identified, collected, and preserved.",
        (_CALLS, _WHOLE, _RECORD),
        "The calls as the system's own log had them, with its numbers, under a signature.",
        "The log itself, which stays where it is.",
    ),
    Control(
        NIST,
        "IA-5",
        "Authenticators are managed; those that are compromised are changed or revoked.",
        (_CREDENTIAL, _ORDERS, _STEPS),
        "The end of the credential, decided by one person and confirmed by another.",
        "How it came to be exposed.",
    ),
    Control(
        NIST,
        "IR-4",
        "Incidents are handled: analysed, contained, eradicated, and recovered from.",
        (_ADDRESSES, _MADE, _ORDERS, _INDEX),
        "What it did by address, what contained it, and what took back what it made.",
        _LOG,
    ),
    Control(
        NIST,
        "IR-5",
        "Incidents are tracked and documented.",
        (_INDEX, _RECORD),
        "The incident from exposure to its end.",
        _PLAN,
    ),
)
