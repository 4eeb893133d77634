"""Four reviews to start from."""

from typing import Any

from apps.reviews.scope import CREDENTIAL, GRANT, Scope

_HOW = """\
Decide each item for itself. Read what the agent is designed to do, then what the permission lets
it do, and why it was granted.

- **Keep** what a task of its purpose needs, and say which. Write access is kept until a date.
- **Narrow** what is needed in part: to a lower level, or to the actions that are used.
- **Revoke** what no task needs.
- **Abstain** only where you cannot know; at the deadline that counts as no answer.

What is not decided by the deadline is never taken as approved.
"""
_CREDENTIALS = """\
Decide each credential for itself.

- **Keep** one that has to last this long, and say why.
- **Rotate** one that is needed, and older than it should be.
- **Revoke** one that nothing uses.

What is not decided by the deadline is never taken as approved.
"""

READY: tuple[dict[str, Any], ...] = (
    {
        "name": "Quarterly write access",
        "purpose": "Every permission with which an agent can change something is still needed.",
        "scope": Scope(levels=("write", "admin")),
        "instructions": _HOW,
        "days_to_decide": 14,
        "recurrence": "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1",
        "frequency_reason": (
            "Targeted risk analysis (PCI DSS v4.0.1, 7.2.5.1): agents change within weeks and act"
            " without a person, and write access alters records; a quarter is the longest a grant"
            " may last unreviewed."
        ),
        "stages_itself": True,
    },
    {
        "name": "Monthly admin access",
        "purpose": "Every permission with which an agent can change who may do what is needed.",
        "scope": Scope(levels=("admin",)),
        "instructions": _HOW,
        "days_to_decide": 7,
        "recurrence": "FREQ=MONTHLY;BYMONTHDAY=1",
        "frequency_reason": (
            "Targeted risk analysis (PCI DSS v4.0.1, 7.2.5.1): an agent that can grant access can"
            " raise its own; an admin grant lasts at most 30 days."
        ),
        "stages_itself": True,
    },
    {
        "name": "Long-lived credentials",
        "purpose": "Every secret that is old, or never ends, has a reason to.",
        "scope": Scope(
            subjects=(CREDENTIAL,),
            findings=("credential-long-lived", "credential-without-end"),
        ),
        "instructions": _CREDENTIALS,
        "days_to_decide": 14,
        "recurrence": "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=15",
        "frequency_reason": (
            "Targeted risk analysis (PCI DSS v4.0.1, 7.2.5.1 and 8.6.3): a static key is"
            " long-lived after 90 days, so each is seen once in that time."
        ),
        "stages_itself": True,
    },
    {
        "name": "All access in scope",
        "purpose": "Everything agents may do, reads included, is looked at as a whole.",
        "scope": Scope(subjects=(GRANT, CREDENTIAL)),
        "instructions": _HOW,
        "days_to_decide": 30,
        "recurrence": "FREQ=MONTHLY;INTERVAL=6;BYMONTHDAY=1",
        "frequency_reason": (
            "PCI DSS v4.0.1, 7.2.4 asks for a review of all access at least every six months."
        ),
        "stages_itself": True,
    },
)
