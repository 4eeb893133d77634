"""Which requirement which file of requests speaks to, what it shows, and what it does not."""

from apps.evidence.content.controls import ISO, NIST, PCI, SOC, Control

_REQUESTS = "data/requests.csv"
_CHAIN = "data/chain.csv"
_ASKED = "data/approvers.csv"
_BENEFIT = "data/beneficiaries.csv"
_VOTES = "data/votes.csv"
_PLACED = "data/provisioning.csv"
_GRANTS = "data/grants.csv"
_ENDS = "data/orders.csv"
_UNUSED = "data/proposals.csv"
_GLASS = "data/break_glass.csv"
_RECORD = "data/governance.jsonl"

_ALL_ACCESS = "That every access went through a request: see data/not_covered.csv."

CONTROLS = (
    Control(
        PCI,
        "7.2.2",
        "Access is assigned by job function, and with the least privileges that it needs.",
        (_REQUESTS, _VOTES),
        "What each request asked for and why, what approvers took from it, and what was left.",
        "That the task itself was needed; that is the approvers' judgement, in their words.",
    ),
    Control(
        PCI,
        "7.2.3",
        "Required privileges are approved by authorized personnel.",
        (_CHAIN, _ASKED, _BENEFIT, _VOTES),
        "Everything in place was approved by as many different people as its frozen chain asked "
        "for, bound to what was on the table; or by a rule for read access.",
        _ALL_ACCESS,
    ),
    Control(
        PCI,
        "7.2.5",
        "Application and system accounts are assigned by least privilege and limited to the "
        "systems that need them.",
        (_REQUESTS, _GRANTS, _ENDS),
        "Each access with its system, service, actions, resources, and end; and its removal.",
        _ALL_ACCESS,
    ),
    Control(
        SOC,
        "CC6.2",
        "Access is registered and authorised before it is issued, and removed when it is no "
        "longer authorised.",
        (_REQUESTS, _VOTES, _PLACED, _ENDS),
        "For each request: the authorisation before it was put in place, proof that it was, and "
        "the order by which it ended.",
        _ALL_ACCESS,
    ),
    Control(
        SOC,
        "CC6.3",
        "Access is authorised, modified, or removed by role, least privilege, and segregation of "
        "duties.",
        (_BENEFIT, _VOTES, _UNUSED, _ENDS, _RECORD),
        "Nobody approved what they benefit from, and nobody counted twice in one request.",
        "That two accounts in here are two people.",
    ),
    Control(
        ISO,
        "A.5.15",
        "Rules control access by what the business and its security need.",
        (_CHAIN, _RECORD),
        "The chain that each request had to pass, and how its policy was changed.",
        "Whether the policies fit the business.",
    ),
    Control(
        ISO,
        "A.5.18",
        "Access rights are provisioned, reviewed, modified, and removed by the rules.",
        (_PLACED, _GRANTS, _UNUSED, _ENDS),
        "That access was put in place as approved, asked about when not used, and ended.",
        "Reviews of standing access, which the packages of campaigns hold.",
    ),
    Control(
        ISO,
        "A.8.2",
        "Privileged access rights are restricted and managed.",
        (_REQUESTS, _CHAIN, _GLASS),
        "Each admin access asked for, with its chain and end; and each emergency with its review.",
        _ALL_ACCESS,
    ),
    Control(
        NIST,
        "AC-2",
        "Accounts are managed over their life; requests to change them are approved (AC-2 e), and "
        "temporary and emergency access ends (AC-2(2)).",
        (_REQUESTS, _VOTES, _ENDS, _GLASS),
        "Requests with their approvals and ends, and emergencies with their ends.",
        "The making of the accounts themselves.",
    ),
    Control(
        NIST,
        "AC-5",
        "Duties are separated.",
        (_BENEFIT, _ASKED, _VOTES),
        "Who benefits from each request, and that none of them approved it.",
        "Duties outside of approving access.",
    ),
)
