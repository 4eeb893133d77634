"""A credential is ended by a person: revoked with a watch, or killed now."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.jobs import enqueue
from apps.core.policies import enforce
from apps.inventory.models import Credential
from apps.inventory.services.reasons import required_reason
from apps.remediation import policies
from apps.remediation.models import Incident, Order
from apps.remediation.selectors.ending import connection_for
from apps.remediation.services.incidents import exposure_of, incident_open
from apps.remediation.services.planning import OrderRequest, orders_plan
from apps.remediation.states import GONE, OrderKind, OrderState

# One credential is ended at once, whatever waits about it: a held batch, or an exception.
PUT_OFF = (OrderState.SCHEDULED, OrderState.EXCEPTION)


@transaction.atomic
def credential_revoke(*, credential_id: int, reason: str, actor: Actor) -> Order:
    """Disable a credential now; after a watch of seven days it is deleted, and verified.

    Until then it can be undone. Asked twice, it answers with the order there is.
    """
    credential = Credential.objects.locked(credential_id)
    enforce(policies.can_end_credential(actor, credential))
    return _end(OrderKind.REVOKE, credential, required_reason(reason, "it is revoked"), actor)


@transaction.atomic
def credential_kill(
    *, credential_id: int, reason: str, actor: Actor, exposed_since: datetime | None = None
) -> Order:
    """Disable a compromised credential and end its sessions now, without waiting for anybody.

    It is deleted once somebody else has confirmed that, or after a day. `exposed_since` is when
    others may have had it from; without one, since it was issued.
    """
    credential = Credential.objects.locked(credential_id)
    enforce(policies.can_end_credential(actor, credential))
    if exposed_since is not None and exposed_since > timezone.now():
        raise DomainError("It cannot be exposed since a time to come.", field="exposed_since")
    since = exposed_since or exposure_of(credential)
    text = required_reason(reason, "it is killed")
    order = _end(OrderKind.KILL, credential, text, actor, exposed_since=since)
    if not Incident.objects.filter(order=order).exists():
        incident_open(order=order, credential=credential, exposed_since=since, actor=actor)
    return order


@transaction.atomic
def kill_confirm(*, order_id: int, reason: str, actor: Person) -> Order:
    """Confirm a kill after the fact: somebody else, within a day. What is left follows at once."""
    order = Order.objects.locked(order_id)
    enforce(policies.can_confirm_kill(actor, order))
    order.confirmed_by, order.confirmed_at = actor.user, timezone.now()
    fields = ["confirmed_by", "confirmed_at"]
    if order.connection_id and order.state == OrderState.EXECUTED:
        order.wake_at = order.confirmed_at
        fields.append("wake_at")
        enqueue("remediation.run_order", order_id=order.pk)
    order.save(update_fields=fields)
    record(
        actor=actor,
        verb=Verb.KILL_CONFIRMED,
        target=order,
        changes={"confirmed_by": (None, actor.user.pk)},
        reason=required_reason(reason, "it was right"),
    )
    return order


@transaction.atomic
def order_undo(*, order_id: int, reason: str, actor: Person) -> Order:
    """Take back what can be taken back; a kill is undone by somebody else than who killed."""
    order = Order.objects.locked(order_id)
    enforce(policies.can_undo(actor, order))
    order.undo_reason = required_reason(reason, "it is undone")
    order.undo_asked_by, order.undo_asked_at = actor.user, timezone.now()
    order.wake_at, order.attempts, order.trouble = order.undo_asked_at, 0, ""
    order.save(
        update_fields=[
            "undo_reason",
            "undo_asked_by",
            "undo_asked_at",
            "wake_at",
            "attempts",
            "trouble",
        ]
    )
    record(
        actor=actor,
        verb=Verb.ORDER_UNDO_ASKED,
        target=order,
        changes={"undo_asked_at": (None, order.undo_asked_at.isoformat())},
        reason=order.undo_reason,
    )
    enqueue("remediation.run_order", order_id=order.pk)
    return order


def _waits_needlessly(order: Order, credential: Credential) -> bool:
    """Whether it was left to a person, and a connection can try by now."""
    return order.state == OrderState.MANUAL_NEEDED and connection_for(credential) is not None


def _end(
    kind: OrderKind,
    credential: Credential,
    reason: str,
    actor: Actor,
    *,
    exposed_since: datetime | None = None,
) -> Order:
    standing = Order.objects.stopping(credential.pk).exclude(state__in=(*GONE, *PUT_OFF))
    same = standing.filter(kind=kind).order_by("-pk").first()
    if same is not None and not _waits_needlessly(same, credential):
        return same
    request = OrderRequest(
        kind=kind,
        label=f"{credential.identity} · {credential.external_id}",
        reason=reason,
        decided_at=timezone.now(),
        credential_id=credential.pk,
        decided_by_id=actor.user.pk if isinstance(actor, Person) else None,
        exposed_since=exposed_since,
    )
    return orders_plan(requests=[request], actor=actor)[0]
