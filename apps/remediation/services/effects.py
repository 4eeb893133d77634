"""What a settled order does to its subject: only now does a decision change anything."""

from datetime import datetime

from django.db.models import Max

from apps.core.actors import Actor
from apps.core.policies import ALLOW
from apps.grants.models import Grant
from apps.grants.services.grants import grant_expire, grant_revoke, grant_suspend
from apps.grants.services.issuing import grant_narrow
from apps.grants.states import LIVE, GrantState
from apps.inventory.models import Credential
from apps.inventory.services.bindings import binding_end
from apps.inventory.services.credentials import credential_end_anew, credential_move
from apps.inventory.states import CREDENTIAL_OVER, CredentialState
from apps.remediation.models import Order
from apps.remediation.states import GONE, STAYS, WATCHED, OrderKind

STOPPED = ("effective_by", "stopped_at", "stopped_how")


def order_stopped(order: Order, *, how: str, now: datetime) -> None:
    """Watch a credential from now on that was ended without a connection, as any other.

    It counts as dead since somebody said that it was carried out: what is used between that and
    its confirmation is used after its end, too. What is only suspended, or was made with a
    credential, is none of it. Save `STOPPED` with what else is changed.
    """
    if order.kind not in WATCHED or order.credential_id is None or order.target.get(STAYS):
        return
    order.effective_by = min(order.executed_at or now, now)
    order.stopped_at, order.stopped_how = now, how


def order_take_effect(*, order: Order, actor: Actor) -> None:
    """End, suspend, or unbind what the order removed; the order is the authority.

    A narrowing to fewer actions of the same level ends nothing: the grant stays, and the next
    import brings its new statements. Where no source tells of the grant, its record follows here.
    """
    if order.kind == OrderKind.TAKE_BACK:
        return  # about what was made with its credential, not about the credential
    subject = order.grant or order.credential
    if subject is not None:
        # Another order about it may have ended it in this same transaction.
        subject.refresh_from_db(fields=["state"])
    if order.grant is not None and order.grant.state in LIVE:
        _grant(order, order.grant, actor)
    elif order.target.get(STAYS):
        return
    elif order.credential is not None:
        is_over = order.credential.state in CREDENTIAL_OVER
        (_credential_anew if is_over else _credential)(order, order.credential, actor)
    elif order.binding is not None and order.binding.ended_at is None:
        binding_end(binding_id=order.binding.pk, reason=_why(order), actor=actor, authority=ALLOW)


def _grant(order: Order, grant: Grant, actor: Actor) -> None:
    if order.kind == OrderKind.SUSPEND:
        if grant.state == GrantState.ACTIVE:
            grant_suspend(grant_id=grant.pk, reason=_why(order), actor=actor, authority=ALLOW)
    elif order.kind == OrderKind.REVOKE or order.target.get("level"):
        expires = order.target.get("ends_as") == GrantState.EXPIRED
        end = grant_expire if expires else grant_revoke
        end(grant_id=grant.pk, reason=_why(order), actor=actor, authority=ALLOW)
    elif order.target.get("actions") and not grant.stream:
        grant_narrow(
            grant_id=grant.pk,
            actions=order.target["actions"],
            reason=_why(order),
            actor=actor,
            authority=ALLOW,
        )


def _credential(order: Order, credential: Credential, actor: Actor) -> None:
    if order.kind == OrderKind.SUSPEND:
        # A connection's order suspended it as soon as it was carried out.
        is_active = credential.state == CredentialState.ACTIVE
        states = [CredentialState.SUSPENDED] if is_active else []
    else:
        states = [CredentialState.REVOKING, CredentialState.REVOKED, CredentialState.VERIFIED]
        if credential.state == CredentialState.REVOKING:
            states = states[1:]
    for state in states:
        credential_move(
            credential_id=credential.pk,
            state=state,
            reason=_why(order),
            actor=actor,
            authority=ALLOW,
        )


def _credential_anew(order: Order, credential: Credential, actor: Actor) -> None:
    """One that was over, was used all the same, and was removed anew: now it is dead."""
    if order.used_after_at is None or order.effective_by is None:
        return
    # Of several that stand side by side, the newest: so the end moves once, whichever is first.
    gone = Order.objects.seen_dead().about_credential(credential.pk).filter(state__in=GONE)
    newest = gone.aggregate(at=Max("effective_by"))["at"]
    credential_end_anew(
        credential_id=credential.pk,
        at=newest or order.effective_by,
        reason=_why(order),
        actor=actor,
        authority=ALLOW,
    )


def _why(order: Order) -> str:
    return f"Order {order.pk}: {order.reason}"
