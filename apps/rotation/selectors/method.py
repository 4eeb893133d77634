"""How a credential can be rotated: by its own store, by making another beside it, or by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.connectors.adapters.live import Capability
from apps.connectors.adapters.planning import plan_for
from apps.connectors.adapters.registry import NotInstalled, adapter_class
from apps.connectors.adapters.removal import Plan, Wanted
from apps.connectors.models import Connection
from apps.inventory.models import Credential
from apps.inventory.states import CredentialKind
from apps.remediation.subjects import subject_of
from apps.rotation.places import place_named
from apps.rotation.states import RotationWay

ROTATES_ITSELF = "secret.rotate"
# What a system can make a second one of, beside the first. A service-specific key of AWS is reset
# where it stands, and its old value ends with that: nothing could overlap.
BESIDE = {
    "aws": {CredentialKind.ACCESS_KEY},
    "vault": {CredentialKind.CLIENT_SECRET},
    "azure": {CredentialKind.CLIENT_SECRET},
}
NO_CONNECTION = "No connection that may issue speaks for its system."
NO_TWO = "Its system makes no second one beside it."
NO_FUNCTION = "Secrets Manager names no function that rotates it."
NO_PLACE = "Nothing says where its secret is kept, in a way that a connection can write to."
NO_WRITER = "No connection may write to where its secret is kept."
SEVERAL_WRITERS = "Several connections may write to such a place, and only one can be meant."


@dataclass(frozen=True, slots=True)
class Method:
    """How, by which connection, where to, and why only by hand if it is so."""

    way: RotationWay
    plan: Plan
    connection: Connection | None = None
    place: str = ""
    place_connection: Connection | None = None
    why_by_hand: str = ""
    parts: Sequence[str] = field(default_factory=tuple)


# What the parts of a new secret are called, as the adapter hands them over.
PARTS = {
    "aws": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "vault": ("secret_id",),
    "azure": ("client_secret",),
}


def method_of(credential: Credential, *, place: str = "") -> Method:
    """The best way there is now. Give `place` where it is another than the credential says.

    Its identity and system are read already.
    """
    subject = subject_of(credential)
    plan = plan_for(Wanted(kind="rotate", name="countersign-rotate", subject=subject))
    connection = _issuing(subject.system_kind, subject.account)
    if connection is None:
        return Method(RotationWay.BY_HAND, plan, why_by_hand=NO_CONNECTION)
    if not any(step.op == ROTATES_ITSELF for step in plan.steps):
        return _beside(credential, connection, plan, place or credential.stored_at)
    if not credential.facts.get("rotated_by"):
        return Method(RotationWay.BY_HAND, plan, why_by_hand=NO_FUNCTION)
    return Method(RotationWay.IN_PLACE, plan, connection)


def _beside(credential: Credential, connection: Connection, plan: Plan, place: str) -> Method:
    """Make a second one, if its system does and there is somewhere to put it."""
    kind = connection.kind
    parts = PARTS.get(kind, ())
    if credential.kind not in BESIDE.get(kind, ()) or not _can(connection, Capability.ROTATE):
        return Method(RotationWay.BY_HAND, plan, why_by_hand=NO_TWO)
    name = place_named(place)
    if name is None:
        return Method(RotationWay.BY_HAND, plan, why_by_hand=NO_PLACE, parts=parts)
    writers = [one for one in _writers(name.kind, name.account) if _may_write(one, name.where)]
    if len(writers) != 1:
        why = SEVERAL_WRITERS if writers else NO_WRITER
        return Method(RotationWay.BY_HAND, plan, why_by_hand=why, parts=parts)
    return Method(RotationWay.BESIDE, plan, connection, name.where, writers[0], parts=parts)


def _issuing(kind: str, account: str) -> Connection | None:
    rows = Connection.objects.reading().filter(may_issue=True)
    return rows.of_account(kind, account).order_by("pk").first()


def _writers(kind: str, account: str) -> list[Connection]:
    rows: Any = Connection.objects.reading().filter(may_issue=True, kind=kind)
    rows = rows.of_account(kind, account) if account else rows
    return [one for one in rows.order_by("pk") if _can(one, Capability.PLACE)]


def _may_write(connection: Connection, where: str) -> bool:
    named = [*connection.told.get("place_secrets", ()), *connection.told.get("place_paths", ())]
    return where in [str(one).strip("/") for one in named]


def _can(connection: Connection, capability: Capability) -> bool:
    try:
        return capability in adapter_class(connection.kind).capabilities
    except NotInstalled:
        return False
