"""The bench: one agent at a time, all its items as a unit, with what is known about each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from apps.activity.selectors.measured import Measured, measured_of
from apps.activity.selectors.measured_credentials import measured_credentials
from apps.core.actors import Person
from apps.findings.models import Finding
from apps.grants.models import GrantStatement, Justification
from apps.inventory.models import Agent, Credential, Task
from apps.inventory.states import AgentState
from apps.reviews.choices import Asked, asked_of
from apps.reviews.models import Campaign, Decision, Draft, ItemNote, ReviewItem
from apps.reviews.selectors.purpose import tasks_served, tasks_unmet
from apps.reviews.selectors.reach import Alert, Reach, reach_of
from apps.reviews.selectors.recommendations import Facts, Recommendation, recommend
from apps.reviews.selectors.sharing import agents_behind
from apps.reviews.selectors.since import Since, design_now, since_last_review
from apps.reviews.states import ItemState, NoteKind

PAGE = 100
HIGH = {"critical", "high"}
# The recommendation and the item themselves say that nobody justified it.
SAID_ALREADY = "grant-unjustified"


@dataclass(frozen=True, slots=True)
class Row:
    item: ReviewItem
    asked: Asked
    draft: Draft | None
    decision: Decision | None
    recommendation: Recommendation
    paths: list[GrantStatement]
    tasks: tuple[str, ...]
    findings: list[Finding]
    notes: list[ItemNote]
    serves: list[Agent]
    is_new: bool
    never_justified: bool
    measured: Measured | None

    @property
    def attestation(self) -> ItemNote | None:
        told = [note for note in self.notes if note.kind == NoteKind.ATTESTATION]
        return told[-1] if told else None


@dataclass(frozen=True, slots=True)
class Used:
    """A credential the agent signs in with, and what is wrong with it."""

    credential: Credential
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bench:
    agent: Agent | None
    rows: list[Row]
    since: Since
    alerts: list[Alert]
    credentials: list[Used]
    tasks: list[Task]
    unmet: list[str]
    carried: int
    next_after: int | None


def bench_of(
    actor: Person, campaign: Campaign, agent_id: int, *, after: int = 0, only: int | None = None
) -> Bench:
    """Everything the bench shows of one agent; `only` limits the rows to one item."""
    agent = None
    if agent_id:
        agent = Agent.objects.select_related("owner", "technical_owner", "team").get(pk=agent_id)
    items = (
        ReviewItem.objects.assigned_to(actor)
        .counted()
        .asked()
        .filter(campaign=campaign, agent=agent, pk__gt=after)
        .with_subject()
        .select_related("grant__justification__task", "grant__system", "credential__made_by")
        .select_related("decision")
        .order_by("pk")
    )
    if only is not None:
        items = items.filter(pk=only)
    page = list(items[: PAGE + 1])
    shown = page[:PAGE]
    reach = reach_of(agent)
    tasks = list(agent.tasks.filter(retired_at=None).prefetch_related("needs")) if agent else []
    since = since_last_review(agent, campaign, design_now(agent, tasks))
    rows = _Rows(actor, campaign, shown, agent=agent, tasks=tasks, since=since, reach=reach)
    return Bench(
        agent=agent,
        rows=rows.all(),
        since=since,
        alerts=reach.alerts,
        credentials=_credentials(agent, campaign.policy, timezone.now()),
        tasks=tasks,
        unmet=tasks_unmet(tasks, reach.grants),
        carried=_carried(campaign, agent),
        next_after=shown[-1].pk if len(page) > PAGE else None,
    )


def _carried(campaign: Campaign, agent: Agent | None) -> int:
    """How many items of the agent nobody is asked about, by the campaign's rule."""
    if not campaign.carry_forward:
        return 0
    rows = ReviewItem.objects.filter(campaign=campaign, agent=agent, state=ItemState.CARRIED)
    return rows.count()


class _Rows:
    """Reads what all items of a page need, once, and makes their rows."""

    def __init__(
        self,
        actor: Person,
        campaign: Campaign,
        items: Sequence[ReviewItem],
        *,
        agent: Agent | None,
        tasks: Sequence[Task],
        since: Since,
        reach: Reach,
    ):
        self.campaign, self.items, self.now = campaign, items, timezone.now()
        self.agent, self.tasks, self.since, self.reach = agent, tasks, since, reach
        grants = [item.grant_id for item in items if item.grant_id]
        identities = {item.identity.pk for item in items}
        self.behind = agents_behind(identities)
        drafts = Draft.objects.filter(item__in=items, reviewer=actor.user)
        self.drafts = {draft.item_id: draft for draft in drafts}
        self.paths = _grouped(
            GrantStatement.objects.filter(grant__in=grants).order_by("grant", "position"),
            "grant_id",
        )
        notes = ItemNote.objects.filter(item__in=items).select_related("author", "addressee")
        self.notes = _grouped(notes.order_by("pk"), "item_id")
        self.findings = _findings_about(items)
        self.copies = _copies(items)
        days = campaign.policy.get("measured_window_days", 90)
        self.window = timedelta(days=days)
        held = [item.grant for item in items if item.grant]
        self.measured = measured_of(held, actor, days=days, now=self.now)
        keys = [item.credential for item in items if item.credential]
        self.of_keys = measured_credentials(keys, actor, days=days, now=self.now)

    def all(self) -> list[Row]:
        return [self._row(item) for item in self.items]

    def _row(self, item: ReviewItem) -> Row:
        serves = self.behind.get(item.identity.pk, [])
        served = tasks_served(item.grant, self.tasks) if item.grant else ()
        asked = asked_of(
            kind=item.kind,
            level=item.level,
            frozen=item.frozen,
            policy=self.campaign.policy,
            shared_by=len(serves),
        )
        since = self.since.at
        return Row(
            item=item,
            asked=asked,
            draft=self.drafts.get(item.pk),
            decision=getattr(item, "decision", None),
            recommendation=recommend(self._measured(item, self._facts(item, serves, served))),
            paths=self.paths.get(item.grant_id or 0, []),
            tasks=served,
            findings=self.findings.get(item.pk, []),
            notes=self.notes.get(item.pk, []),
            serves=serves,
            is_new=bool(since and item.grant and item.grant.first_seen_at > since),
            never_justified=bool(item.grant and item.grant.justification_id is None),
            measured=self._use(item),
        )

    def _use(self, item: ReviewItem) -> Measured | None:
        if item.credential_id:
            return self.of_keys.get(item.credential_id)
        return self.measured.get(item.grant_id or 0)

    def _facts(self, item: ReviewItem, serves: Sequence[Agent], served: tuple[str, ...]) -> Facts:
        subject = item.grant or item.credential
        seen = getattr(subject, "first_seen_at", None)
        begun = getattr(subject, "issued_at", None) or seen
        used = getattr(subject, "last_used_at", None)
        grant = item.grant
        until = grant.justified_until if grant else None
        passed = until is not None and until < timezone.localdate()
        return Facts(
            kind=item.kind,
            level=item.level,
            is_gone=getattr(subject, "gone_at", None) is not None,
            has_active_agent=any(one.state == AgentState.ACTIVE for one in serves),
            use_is_known=getattr(subject, "use_is_known", False),
            used_ago=self.now - used if used else None,
            age=self.now - begun if begun else None,
            window=self.window,
            is_justified=bool(grant and grant.justification_id and not passed),
            justification_passed=passed,
            copies=self.copies.get(item.pk, 1),
            tasks=served,
            purpose_explains=self.agent.purpose_explains if self.agent else True,
            breaks=self.reach.breaks(item.grant_id),
            drifted=self.since.changed,
            shared_by=len(serves),
            high_findings=tuple(
                one.detail or one.rule
                for one in self.findings.get(item.pk, [])
                if one.severity in HIGH and one.rule != SAID_ALREADY
            ),
            long_lived=_long_lived(item.credential, self.campaign.policy, self.now),
        )

    def _measured(self, item: ReviewItem, facts: Facts) -> Facts:
        """The same facts with what the log of its system tells of its use."""
        measured = self._use(item)
        if measured is None:
            return facts
        last = measured.last_at
        ago = [ago for ago in (facts.used_ago, self.now - last if last else None) if ago]
        return replace(
            facts,
            use_is_known=facts.use_is_known or measured.is_known,
            used_ago=min(ago, default=None),
            is_logged=measured.is_known,
            coverage=measured.coverage,
            calls=measured.calls,
            traced=measured.traced,
            traced_enough=self.campaign.policy.get("coverage_known_percent", 80),
            used_names=measured.names,
            action_count=item.grant.action_count if item.grant else 0,
        )


def _grouped(rows: Iterable[Any], key: str) -> dict[int, list[Any]]:
    grouped: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[getattr(row, key)].append(row)
    return grouped


def _findings_about(items: Sequence[ReviewItem]) -> dict[int, list[Finding]]:
    """Standing findings about each item's subject or its identity, worst first."""
    wanted: dict[tuple[str, int], list[int]] = defaultdict(list)
    for item in items:
        for subject in (item.subject, item.identity):
            wanted[subject._meta.label_lower, subject.pk].append(item.pk)
    by_type: dict[str, set[int]] = defaultdict(set)
    for label, pk in wanted:
        by_type[label].add(pk)
    about = Q(pk__in=[])
    for label, pks in by_type.items():
        about |= Q(subject_type=label, subject_id__in=pks)
    found = defaultdict(list)
    for finding in Finding.objects.standing().filter(about).order_by("-severity_rank", "pk"):
        for item_id in wanted[finding.subject_type, finding.subject_id]:
            found[item_id].append(finding)
    return found


def _copies(items: Sequence[ReviewItem]) -> dict[int, int]:
    """On how many grants the text of each item's justification stands."""
    texts = {
        item.pk: item.grant.justification.reason_sha256
        for item in items
        if item.grant and item.grant.justification
    }
    counted = (
        Justification.objects.filter(reason_sha256__in=set(texts.values()))
        .order_by()
        .values_list("reason_sha256")
        .annotate(n=Count("grant", distinct=True))
    )
    counts = dict(counted)
    return {pk: counts.get(text, 1) for pk, text in texts.items()}


def _credentials(agent: Agent | None, policy: Mapping[str, int], now: datetime) -> list[Used]:
    if agent is None:
        return []
    rows = (
        Credential.objects.standing()
        .filter(identity__bindings__agent=agent, identity__bindings__ended_at=None)
        .select_related("identity")
        .order_by("issued_at", "pk")[:20]
    )
    return [Used(row, _flags(row, policy, now)) for row in rows]


def _flags(credential: Credential, policy: Mapping[str, int], now: datetime) -> tuple[str, ...]:
    long_lived = _long_lived(credential, policy, now)
    shared = credential.agent_count
    unused = policy.get("unused_credential_days", 45)
    used = credential.last_used_at
    never = credential.use_is_known and (used is None or (now - used).days > unused)
    return tuple(
        filter(
            None,
            (
                long_lived,
                f"shared by {shared} agents" if shared > 1 else "",
                f"not used in {unused} days" if never else "",
            ),
        )
    )


def _long_lived(credential: Credential | None, policy: Mapping[str, int], now: datetime) -> str:
    """Why a static credential is overdue, or nothing."""
    if (
        credential is None
        or credential.issued_at is None
        or credential.kind in {"managed", "lease"}
    ):
        return ""
    born = credential.rotated_at or credential.issued_at
    days = (now - born).days
    if days <= policy.get("static_key_days", 90):
        return ""
    never = "" if credential.rotated_at else ", never rotated"
    return f"{days} days old{never}"
