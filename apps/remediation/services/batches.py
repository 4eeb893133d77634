"""Many removals with one reason; above the house's threshold a second person lets them go."""

from collections.abc import Collection, Sequence
from itertools import batched

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.core.preferences import preference
from apps.inventory.models import Credential
from apps.inventory.querysets.credentials import CredentialQuerySet
from apps.inventory.services.reasons import required_reason
from apps.remediation import policies
from apps.remediation.models import Batch, Order
from apps.remediation.services.incidents import exposure_of, incidents_open
from apps.remediation.services.moves import orders_move
from apps.remediation.services.planning import OrderRequest, orders_plan, orders_start
from apps.remediation.states import BATCH_MOVES, GONE, BatchState, OrderKind, OrderState

CHUNK = 1000
MOST = 20_000


@transaction.atomic
def credentials_end_many(
    *, credential_ids: Collection[int], kind: OrderKind, reason: str, actor: Actor
) -> Batch:
    """Revoke or kill many credentials. Those already being ended, or over, are left out.

    Above the threshold of Settings the batch is held: nothing begins until another steward lets
    it go.
    """
    enforce(policies.can_end_credentials(actor))
    if kind not in {OrderKind.REVOKE, OrderKind.KILL}:
        raise DomainError("Many at once are revoked, or killed.")
    text = required_reason(reason, "they are ended")
    ended = Order.objects.in_force().ending_credentials().exclude(state__in=GONE)
    chosen = Credential.objects.visible_to(actor).standing().filter(pk__in=credential_ids)
    # Locked first: of two that choose the same at once, the second sees what the first ordered.
    chosen = Credential.objects.filter(pk__in=_locked(chosen))
    left = list(
        chosen.exclude(pk__in=ended.values("credential"))
        .values_list("pk", flat=True)
        .order_by("pk")
    )
    if not left:
        raise DomainError("None of them is left to end.")
    if len(left) > MOST:
        raise DomainError(f"At most {MOST:,} at once: narrow the list first.")
    batch = _batch(f"{kind.label} {len(left)} credentials", len(left), text, actor)
    for chunk in batched(left, CHUNK, strict=False):
        orders = orders_plan(requests=_requests(chunk, kind, batch, actor), actor=actor)
        if not batch.is_held:
            incidents_open(orders=orders, actor=actor)
    return batch


def _locked(rows: CredentialQuerySet) -> list[int]:
    locked = rows.order_by("pk").select_for_update(of=["self"], no_key=True)
    return list(locked.values_list("pk", flat=True)[: MOST + 1])


@transaction.atomic
def batch_judge(*, batch_id: int, release: bool, reason: str, actor: Person) -> Batch:
    """Let a held batch go, or refuse it: a second steward. Refused orders were never begun."""
    batch = Batch.objects.locked(batch_id)
    enforce(policies.can_judge_batch(actor, batch))
    state = BatchState.RELEASED if release else BatchState.REFUSED
    before = batch.state
    BATCH_MOVES.check(before, state)
    batch.state, batch.judged_by, batch.judged_at = state, actor.user, timezone.now()
    batch.save(update_fields=["state", "judged_by", "judged_at"])
    text = required_reason(reason, "you judge so")
    record(
        actor=actor,
        verb=Verb.BATCH_JUDGED,
        target=batch,
        changes={"state": (before, state)},
        reason=text,
    )
    # Refused, what a person was to do is taken back as well, unless they say it is done.
    by_hand = Q() if release else Q(state=OrderState.MANUAL_NEEDED, executed_at__isnull=True)
    waiting = Order.objects.filter(Q(state=OrderState.SCHEDULED) | by_hand, batch=batch)
    held = waiting.order_by("pk")
    while orders := list(held.select_for_update(of=["self"])[:CHUNK]):
        _judge(orders, release, text, actor)
    if release:
        kills = batch.orders.in_force().filter(incident__isnull=True).order_by("pk")
        for chunk in batched(list(kills), CHUNK, strict=False):
            incidents_open(orders=chunk, actor=actor)
    return batch


def _judge(orders: Sequence[Order], release: bool, reason: str, actor: Actor) -> None:  # noqa: FBT001
    now = timezone.now()
    for order in orders:
        order.wake_at = now if release else None
        order.begun_at = now if release else None
    orders_move(
        orders=orders,
        state=OrderState.EXECUTING if release else OrderState.ROLLED_BACK,
        actor=actor,
        reason=reason,
        also=["wake_at", "begun_at"],
    )
    if release:
        orders_start(orders)


def batch_make(
    *, label: str, count: int, reason: str, actor: Actor, agent_id: int | None, held_because: str
) -> Batch:
    """Note many removals as one decision. Call inside a transaction."""
    batch = Batch.objects.create(
        label=label[:200],
        reason=reason,
        agent_id=agent_id,
        count=count,
        state=BatchState.HELD if held_because else BatchState.RUNNING,
        held_because=held_because,
        decided_by=actor.user if isinstance(actor, Person) else None,
    )
    record(
        actor=actor,
        verb=Verb.BATCH_DECIDED,
        target=batch,
        changes={"state": (None, batch.state), "count": (None, count)},
        reason=reason,
    )
    return batch


def _batch(label: str, count: int, reason: str, actor: Actor) -> Batch:
    return batch_make(
        label=label,
        count=count,
        reason=reason,
        actor=actor,
        agent_id=None,
        held_because=held_because(count),
    )


def held_because(count: int) -> str:
    """Why so many at once wait for a second person; empty where they need not."""
    most = preference("mass_change_count")
    if count > most:
        return f"{count} are more than the {most} that one person may end at once."
    share = preference("mass_change_share")
    standing = Credential.objects.standing().count()
    if count > 1 and count * 100 > standing * share:
        return f"{count} of {standing} are more than {share} % of all credentials."
    return ""


def _requests(
    ids: Sequence[int], kind: OrderKind, batch: Batch, actor: Actor
) -> list[OrderRequest]:
    now = timezone.now()
    credentials = Credential.objects.select_related("identity").filter(pk__in=ids).order_by("pk")
    return [
        OrderRequest(
            kind=kind,
            label=f"{credential.identity} · {credential.external_id}",
            reason=batch.reason,
            decided_at=now,
            credential_id=credential.pk,
            decided_by_id=actor.user.pk if isinstance(actor, Person) else None,
            batch=batch,
            exposed_since=exposure_of(credential) if kind == OrderKind.KILL else None,
        )
        for credential in credentials
    ]
