"""What a person sees before and while something is ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q
from django.utils import timezone

from apps.connectors.adapters.live import latest
from apps.connectors.adapters.planning import plan_for
from apps.connectors.adapters.removal import Plan, Step, Wanted, When
from apps.connectors.models import Connection
from apps.core.actors import Actor
from apps.grants.models import Grant
from apps.inventory.models import Agent, Credential
from apps.remediation.models import Order, OrderStep
from apps.remediation.states import GONE, OrderKind, StepStatus
from apps.remediation.subjects import subject_of

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


@dataclass(frozen=True, slots=True)
class Killable:
    from_here: int
    by_hand: int


def killable(actor: Actor) -> Killable:
    """How many standing credentials can be killed from here, and how many only by hand."""
    reached = Q(pk__in=[])
    for kind, accounts in Connection.objects.removing().values_list("kind", "accounts"):
        reached |= Q(identity__system__kind=kind, identity__system__account__in=accounts)
    counted = (
        Credential.objects.visible_to(actor)
        .standing()
        .aggregate(every=Count("pk"), here=Count("pk", filter=reached))
    )
    return Killable(counted["here"], counted["every"] - counted["here"])
