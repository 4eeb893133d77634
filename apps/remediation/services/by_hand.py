"""What people do about an order: carry it out, prove it, or let it stand for a while."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.remediation import policies
from apps.remediation.models import Order, OrderProof
from apps.remediation.proofs import Upload, proof_keep
from apps.remediation.services.effects import STOPPED, order_stopped, order_take_effect
from apps.remediation.services.moves import orders_move
from apps.remediation.states import BY_HAND, STAYS, OrderState, ProofKind

LONGEST_EXCEPTION = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody gives as proof: words, a file, or both."""

    text: str = ""
    file: Upload | None = None


@transaction.atomic
def order_carried_out(*, order_id: int, proof: Proof, actor: Person, stays: bool = False) -> Order:
    """Note that somebody removed the access in its source. The order still waits for proof.

    `stays` is for a credential that has a new secret under its old id: it is not over.
    """
    order = Order.objects.locked(order_id)
    enforce(policies.can_carry_out(actor, order))
    order.executed_at, order.executed_by = timezone.now(), actor.user
    if stays:
        order.target = {**order.target, STAYS: True}
    order.save(update_fields=["executed_at", "executed_by", "target"])
    if order.state == OrderState.VERIFY_FAILED:
        orders_move(
            orders=[order],
            state=OrderState.MANUAL_NEEDED,
            actor=actor,
            reason="It came back, and was removed anew.",
        )
    _keep(order, ProofKind.DONE, proof, actor)
    return order


@transaction.atomic
def order_confirm(*, order_id: int, proof: Proof, actor: Person) -> Order:
    """Confirm by hand that the access is gone; somebody else than the one who removed it.

    The subject ends here with the authority of the order, in the same transaction. A credential
    is watched from now on.
    """
    order = Order.objects.locked(order_id)
    enforce(policies.can_confirm(actor, order))
    _keep(order, ProofKind.PROOF, proof, actor)
    order.verified_at = timezone.now()
    order.verified_how = f"{BY_HAND} by {actor}, with proof."
    order_stopped(order, how=order.verified_how, now=order.verified_at)
    orders_move(
        orders=[order],
        state=OrderState.CONFIRMED,
        actor=actor,
        reason=proof.text or "A file was given as proof.",
        also=["verified_at", "verified_how", *STOPPED],
    )
    order_take_effect(order=order, actor=actor)
    return order


@transaction.atomic
def order_except(*, order_id: int, reason: str, until: date, actor: Person) -> Order:
    """Let the access stand until a date, at most a year away; then the order is taken up again."""
    order = Order.objects.locked(order_id)
    enforce(policies.can_except(actor, order))
    today = timezone.localdate()
    if not today < until <= today + LONGEST_EXCEPTION:
        raise DomainError("An exception ends after today and within a year.")
    order.exception_until, order.wake_at = until, None
    orders_move(
        orders=[order],
        state=OrderState.EXCEPTION,
        actor=actor,
        reason=reason,
        also=["exception_until", "wake_at"],
    )
    return order


def _keep(order: Order, kind: ProofKind, proof: Proof, actor: Actor) -> None:
    if not proof.text.strip() and proof.file is None:
        raise DomainError("Say what you did or saw, or attach a file that shows it.")
    digest, size = proof_keep(proof.file) if proof.file else ("", 0)
    OrderProof.objects.create(
        order=order,
        kind=kind,
        text=proof.text.strip(),
        file_name=(proof.file.name or "proof")[-200:] if proof.file else "",
        file_sha256=digest,
        file_bytes=size,
        given_by=actor.user if isinstance(actor, Person) else None,
        given_by_label=str(actor)[:150],
    )
    record(
        actor=actor,
        verb=Verb.ORDER_CARRIED_OUT if kind == ProofKind.DONE else Verb.ORDER_PROVEN,
        target=order,
        changes={"proof": (None, kind), "file": (None, digest)},
        reason=proof.text.strip(),
    )
