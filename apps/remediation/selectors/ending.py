"""What a person sees before and while something is ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max
from django.utils import timezone

from apps.activity.models import EventRow, UseHour
from apps.activity.selectors.breaking import WouldBreak, breaks_without_credential
from apps.connectors.adapters.live import latest
from apps.connectors.adapters.planning import plan_for
from apps.connectors.adapters.removal import Plan, Step, Wanted, When
from apps.connectors.models import Connection
from apps.core.actors import Actor
from apps.core.listing import Count, count_capped
from apps.grants.models import Grant
from apps.inventory.models import Agent, Credential, System
from apps.remediation.models import Order, OrderStep
from apps.remediation.selectors.reach import removing_connections
from apps.remediation.states import (
    GONE,
    GRACE,
    STAYS,
    WATCHED,
    OrderKind,
    OrderState,
    StepStatus,
)
from apps.remediation.subjects import subject_of

MOST_SYSTEMS = 1000
NOT_BEGUN_AFTER = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What ending a credential means, before it is done."""

    plan: Plan
    connection: Connection | None
    effective_within: timedelta
    agents: Sequence[Agent]
    alike: Sequence[Credential]
    grants: int
    standing: Order | None
    breaks: WouldBreak

    @property
    def by_hand(self) -> bool:
        return self.connection is None

    @property
    def now(self) -> list[Step]:
        return [step for step in self.plan.steps if step.when == When.NOW]

    @property
    def later(self) -> list[Step]:
        return [step for step in self.plan.steps if step.when == When.LATER]

    @property
    def is_shared(self) -> bool:
        return len(self.agents) > 1 or bool(self.alike)


def confirmation_of(credential: Credential, kind: OrderKind, actor: Actor) -> Confirmation:
    """The steps, who uses it, and by when it can be relied on; nothing is asked of the system."""
    subject = subject_of(credential)
    wanted = Wanted(
        kind=kind, name=f"countersign-{kind}", subject=subject, sessions_before=timezone.now()
    )
    plan = plan_for(wanted)
    connection = connection_for(credential) if plan.can_run else None
    agents = Agent.objects.acting_as(credential.identity_id)
    alike = Credential.objects.standing().filter(fingerprint=credential.fingerprint)
    return Confirmation(
        plan=plan,
        connection=connection,
        effective_within=latest(step for step in plan.steps if step.when == When.NOW),
        agents=list(agents.order_by("name")),
        alike=list(alike.exclude(pk=credential.pk)[:20]) if credential.fingerprint else [],
        grants=Grant.objects.present().filter(identity=credential.identity_id).count(),
        standing=Order.objects.stopping(credential.pk).exclude(state__in=GONE).first(),
        breaks=breaks_without_credential(credential, actor),
    )


def connection_for(credential: Credential) -> Connection | None:
    """The connection that may remove in a credential's system."""
    system = credential.identity.system
    return Connection.objects.removing().of_account(system.kind, system.account).first()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an order is, in steps, for its page."""

    steps: Sequence[OrderStep]
    is_late: bool
    is_live: bool

    @property
    def command(self) -> str:
        """The provider's own command of the first step that was not carried out."""
        waiting = [step for step in self.steps if step.status == StepStatus.WAITING]
        return waiting[0].command if waiting else ""


def progress_of(order: Order) -> Progress:
    """`is_late` where nothing began within ten seconds; `is_live` while something is to come."""
    now = timezone.now()
    steps = list(order.steps.all())
    is_awake = order.wake_at is not None and order.wake_at <= now + timedelta(minutes=6)
    return Progress(
        steps=steps,
        is_late=bool(steps)
        and order.begun_at is None
        and order.state == "planned"
        and now - order.created_at > NOT_BEGUN_AFTER,
        is_live=bool(steps) and is_awake,
    )


def used_since_told(order: Order) -> datetime | None:
    """When a credential last worked after somebody said of its open order that it was carried
    out: who confirms should know. Once confirmed, the watch tells."""
    if order.credential_id is None or order.executed_at is None or order.target.get(STAYS):
        return None
    if order.state != OrderState.MANUAL_NEEDED or order.kind not in WATCHED:
        return None
    return _last_worked(order.credential_id, order.executed_at + GRACE)


def _last_worked(credential_id: int, after: datetime) -> datetime | None:
    """The hours say until when a call may have worked, which bounds what is read of the records;
    those say which did: an hour's last call may be a refused one."""
    hours = UseHour.objects.filter(credential_id=credential_id, hour__gt=after - timedelta(hours=1))
    until = hours.worked().filter(last_at__gt=after).aggregate(last=Max("last_at"))["last"]
    if until is None:
        return None
    calls = EventRow.objects.of_trail().calls().used_with(credential_id, after).worked()
    newest = calls.filter(happened_at__lte=until).order_by("-happened_at")
    return newest.values_list("happened_at", flat=True).first()


@dataclass(frozen=True, slots=True)
class Reach:
    """How many standing credentials can be killed from here, and how many only by hand."""

    from_here: Count
    by_hand: Count


def reach_of(actor: Actor) -> Reach:
    """Both are asked for by system, since counting stops early where an index leads straight to
    what is counted."""
    standing = Credential.objects.visible_to(actor).standing()
    reached = [system.pk for system, connection in systems_reached(actor) if connection]
    others = System.objects.exclude(pk__in=reached).values_list("pk", flat=True)
    return Reach(
        count_capped(standing.filter(identity__system__in=reached)),
        count_capped(standing.filter(identity__system__in=list(others))),
    )


def systems_reached(actor: Actor) -> list[tuple[System, Connection | None]]:
    """Every system, with the connection that may remove there; those without one come first."""
    removing = removing_connections()
    systems = System.objects.visible_to(actor).present().order_by("name")
    rows = [(one, removing.get((one.kind, one.account))) for one in systems[:MOST_SYSTEMS]]
    return sorted(rows, key=lambda row: row[1] is not None)
