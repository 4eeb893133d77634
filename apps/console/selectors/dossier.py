"""The dossier of an agent: everything known about it, read in a fixed number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.core.actors import Actor
from apps.core.preferences import all_preferences
from apps.grants.models import AgentFingerprint, Grant
from apps.grants.selectors.readiness import full_readiness_of
from apps.grants.states import LEVEL_RANK
from apps.inventory.models import Agent, AgentClient, Binding, Credential, System, Task, TaskNeed
from apps.inventory.querysets.scope import hidden_systems
from apps.inventory.selectors.flags import Flag, flags_of
from apps.inventory.selectors.readiness import Check, gaps_in_words
from apps.remediation.models import Order
from apps.remediation.states import SETTLED
from apps.reviews.models import ReviewItem

ENTRIES = 40
ITEMS = 20
FINGERPRINTS = 12


@dataclass(frozen=True, slots=True)
class GrantLine:
    """One grant as the dossier shows it."""

    grant: Grant
    serves: tuple[Task, ...]
    order: Order | None
    is_justified: bool


@dataclass(frozen=True, slots=True)
class NeedLine:
    """What a task needs, and what gives it; unknown where the reader may not see the system."""

    need: TaskNeed
    grants: tuple[Grant, ...]
    is_seen: bool = True


@dataclass(frozen=True, slots=True)
class TaskLine:
    task: Task
    needs: tuple[NeedLine, ...]

    @property
    def lacks(self) -> list[TaskNeed]:
        return [line.need for line in self.needs if line.is_seen and not line.grants]


@dataclass(frozen=True, slots=True)
class CredentialLine:
    credential: Credential
    flags: list[Flag]


@dataclass(frozen=True, slots=True)
class Dossier:
    agent: Agent
    calls: list[Agent]
    unseen_calls: int
    tasks: list[TaskLine]
    bindings: list[Binding]
    credentials: list[CredentialLine]
    grants_by_system: list[tuple[System, list[GrantLine]]]
    serving_no_task: list[GrantLine]
    readiness: list[Check]
    items: list[ReviewItem]
    fingerprints: list["Drift"]
    entries: list[AuditEntry]
    client: AgentClient | None = None
    graph: dict = field(default_factory=dict)

    @property
    def lines(self) -> list[GrantLine]:
        return [line for _, lines in self.grants_by_system for line in lines]

    @property
    def gaps(self) -> list[str]:
        return gaps_in_words(self.agent.activation_gaps)

    @property
    def lacking(self) -> list[TaskLine]:
        return [task for task in self.tasks if task.lacks]


@dataclass(frozen=True, slots=True)
class Drift:
    """A fingerprint, and which parts differ from the one before it."""

    fingerprint: AgentFingerprint
    changed: list[str]


def dossier_of(agent: Agent, actor: Actor) -> Dossier:
    bindings = list(
        Binding.objects.visible_to(actor).live().filter(agent=agent).for_table().order_by("pk")
    )
    identity_ids = [binding.identity_id for binding in bindings]
    grants = list(
        Grant.objects.visible_to(actor)
        .present()
        .filter(identity__in=identity_ids)
        .for_table()
        .order_by("system", "-level", "label", "pk")
    )
    tasks = list(_tasks(agent))
    lines = _grant_lines(grants, tasks)
    calls = list(Agent.objects.visible_to(actor).filter(called_by__caller=agent).order_by("name"))
    return Dossier(
        agent=agent,
        calls=calls,
        unseen_calls=agent.calls.count() - len(calls),
        tasks=_task_lines(tasks, grants, actor),
        bindings=bindings,
        credentials=_credentials(identity_ids, actor),
        grants_by_system=_by_system(lines),
        serving_no_task=[line for line in lines if tasks and not line.serves],
        readiness=full_readiness_of([agent.pk])[agent.pk],
        items=_items(agent, actor),
        fingerprints=_drifts(agent),
        entries=_entries(agent, bindings, grants, actor),
        client=_client(agent, actor),
        graph=graph_of(agent, bindings, grants),
    )


def _client(agent: Agent, actor: Actor) -> AgentClient | None:
    active = AgentClient.objects.visible_to(actor).active().filter(agent=agent)
    client = active.select_related("made_by", "oauth_client").first()
    if client is not None:
        client.agent = agent
    return client


def _tasks(agent: Agent) -> QuerySet[Task]:
    needs = TaskNeed.objects.select_related("system")
    standing = Task.objects.filter(agent=agent, retired_at__isnull=True)
    return standing.prefetch_related(Prefetch("needs", needs)).order_by("position", "pk")


def covers(grant: Grant, need: TaskNeed) -> bool:
    """Whether a grant gives what a task needs: there, on that service, at that level or above."""
    return (
        grant.system_id == need.system_id
        and need.service in {"", grant.service}
        and LEVEL_RANK[grant.level] >= LEVEL_RANK[need.level]
    )


def serves(grant: Grant, need: TaskNeed) -> bool:
    """Whether a need explains a grant: a need at one level explains the levels below it too."""
    return (
        grant.system_id == need.system_id
        and need.service in {"", grant.service}
        and LEVEL_RANK[grant.level] <= LEVEL_RANK[need.level]
    )


def _task_lines(tasks: Sequence[Task], grants: Sequence[Grant], actor: Actor) -> list[TaskLine]:
    """What gives each task what it needs. Of a system outside a seat nothing is said."""
    hidden = hidden_systems(actor, {need.system_id for task in tasks for need in task.needs.all()})
    return [
        TaskLine(
            task,
            tuple(
                NeedLine(
                    need,
                    tuple(grant for grant in grants if covers(grant, need)),
                    is_seen=need.system_id not in hidden,
                )
                for need in task.needs.all()
            ),
        )
        for task in tasks
    ]


def _grant_lines(grants: Sequence[Grant], tasks: Sequence[Task]) -> list[GrantLine]:
    orders = _open_orders(grants)
    today = timezone.localdate()
    return [
        GrantLine(
            grant,
            tuple(task for task in tasks if any(serves(grant, need) for need in task.needs.all())),
            orders.get(grant.pk),
            grant.justification_id is not None
            and (grant.justified_until is None or grant.justified_until >= today),
        )
        for grant in grants
    ]


def _open_orders(grants: Sequence[Grant]) -> dict[int, Order]:
    rows = Order.objects.filter(grant__in=[grant.pk for grant in grants]).exclude(state__in=SETTLED)
    return {order.grant_id: order for order in rows if order.grant_id}


def _by_system(lines: Sequence[GrantLine]) -> list[tuple[System, list[GrantLine]]]:
    grouped: dict[System, list[GrantLine]] = {}
    for line in lines:
        grouped.setdefault(line.grant.system, []).append(line)
    return sorted(grouped.items(), key=lambda pair: pair[0].name)


def _credentials(identity_ids: Sequence[int], actor: Actor) -> list[CredentialLine]:
    limits = all_preferences()
    rows = Credential.objects.visible_to(actor).standing().filter(identity__in=identity_ids)
    return [
        CredentialLine(credential, flags_of(credential, limits))
        for credential in rows.for_table().order_by("identity", "external_id")
    ]


def _items(agent: Agent, actor: Actor) -> list[ReviewItem]:
    rows = ReviewItem.objects.visible_to(actor).filter(agent=agent)
    return list(rows.select_related("campaign", "reviewer").order_by("-pk")[:ITEMS])


def _drifts(agent: Agent) -> list[Drift]:
    rows = list(AgentFingerprint.objects.filter(agent=agent).order_by("-pk")[: FINGERPRINTS + 2])
    drifts = []
    for index, row in enumerate(rows):
        before = next((one for one in rows[index + 1 :] if one.kind == row.kind), None)
        old = before.parts if before is not None else {}
        changed = [name for name, part in row.parts.items() if old.get(name) != part]
        drifts.append(Drift(row, sorted(changed) if before is not None else []))
    return drifts[:FINGERPRINTS]


def _entries(
    agent: Agent, bindings: Sequence[Binding], grants: Sequence[Grant], actor: Actor
) -> list[AuditEntry]:
    """What was done to the agent, its bindings, clients, and the grants it holds, newest first."""
    about = (
        Q(target_type="inventory.agent", target_id=agent.pk)
        | Q(target_type="inventory.binding", target_id__in=[one.pk for one in bindings])
        | Q(target_type="grants.grant", target_id__in=[one.pk for one in grants])
        | Q(target_type="inventory.agentclient", target_id__in=agent.clients.values("pk"))
    )
    rows = AuditEntry.objects.in_period_of(actor).filter(about).select_related("actor")
    return list(rows.order_by("-pk")[:ENTRIES])


def graph_of(agent: Agent, bindings: Sequence[Binding], grants: Sequence[Grant]) -> dict:
    """The agent, the identities it acts as, what they may do there, and on which system."""
    nodes = {"agent": {"id": "agent", "label": agent.name, "kind": "agent"}}
    edges: list[dict[str, str]] = []
    for binding in bindings:
        key = f"identity-{binding.identity_id}"
        nodes[key] = {
            "id": key,
            "label": binding.identity.name,
            "kind": "identity",
            "href": binding.identity.get_absolute_url(),
        }
        edges.append({"from": "agent", "to": key, "label": "acts as", "level": ""})
    for grant in _drawn(grants):
        permission, system = f"grant-{grant.pk}", f"system-{grant.system_id}"
        nodes[permission] = {
            "id": permission,
            "label": f"{grant.service} · {grant.level}",
            "kind": "permission",
            "href": grant.get_absolute_url(),
        }
        nodes[system] = {
            "id": system,
            "label": grant.system.name,
            "kind": "system",
            "href": grant.system.get_absolute_url(),
        }
        identity = f"identity-{grant.identity_id}"
        edges.append({"from": identity, "to": permission, "label": "", "level": str(grant.level)})
        edges.append({"from": permission, "to": system, "label": "", "level": str(grant.level)})
    return {
        "title": f"How {agent.name} reaches systems; the list below says the same",
        "nodes": list(nodes.values()),
        "edges": edges,
    }


DRAWN = 30


def _drawn(grants: Sequence[Grant]) -> list[Grant]:
    """The most powerful ones, where there are too many to draw."""
    return sorted(grants, key=lambda grant: (-LEVEL_RANK[grant.level], grant.label))[:DRAWN]
