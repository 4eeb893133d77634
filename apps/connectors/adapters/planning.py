"""How a removal is planned, by the kind of system: pure, and there even without its client."""

from collections.abc import Callable

from apps.connectors.adapters import aws_removal, azure_removal, vault_removal
from apps.connectors.adapters.removal import Plan, Step, Subject, Wanted, diff_of

_PLANNERS: dict[str, Callable[[Wanted], Plan]] = {
    "aws": aws_removal.plan,
    "azure": azure_removal.plan,
    "vault": vault_removal.plan,
}


def plan_for(wanted: Wanted) -> Plan:
    """The steps of a removal. Where the kind of system is none we know, a person's own."""
    planner = _PLANNERS.get(wanted.subject.system_kind, _by_hand)
    return planner(wanted)


def _by_hand(wanted: Wanted) -> Plan:
    subject = wanted.subject
    note = f"No connection to {subject.system} exists, so a person carries this out there."
    if subject.credential:
        return Plan(_credential(wanted.kind, subject), note=note)
    taken = Step(
        f"In {subject.system}, take {subject.level} on {subject.service} from"
        f" {subject.identity_id}.",
        reversible=True,
    )
    return Plan([taken], diff=diff_of(wanted), note=note)


def _credential(kind: str, subject: Subject) -> list[Step]:
    steps = [
        Step(
            f"In {subject.system}, disable {subject.credential} and watch for use.",
            reversible=True,
        ),
        Step(f"In {subject.system}, delete {subject.credential}."),
    ]
    if kind == "suspend":
        return steps[:1]
    if kind == "rotate":
        made = f"Make a new {subject.credential_kind} for {subject.identity} and test it in place."
        return [Step(made), *steps]
    return steps
