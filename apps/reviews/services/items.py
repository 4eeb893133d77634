"""Drafts become decisions, item by item."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.audit.services import Fact, record_many
from apps.audit.verbs import Verb
from apps.core.actors import Person
from apps.core.policies import enforce
from apps.grants.models import AgentFingerprint, Grant
from apps.grants.states import LIVE, FingerprintKind
from apps.inventory.models import Agent, Binding, Credential
from apps.inventory.states import CREDENTIAL_OVER
from apps.reviews.choices import Chosen, asked_of, in_words, what_is_missing
from apps.reviews.models import Campaign, Decision, Draft, ReviewItem
from apps.reviews.policies.items import can_use_bench, is_askable, may_judge
from apps.reviews.selectors.sharing import shared_by
from apps.reviews.services.assignments import (
    item_reassign,
    item_reroute,
    items_hand_over,
    items_reroute,
)
from apps.reviews.services.drafts import draft_clear, draft_save, drafts_revoke
from apps.reviews.services.moves import items_move
from apps.reviews.services.notes import item_note_add
from apps.reviews.states import Disposition, ItemState

__all__ = [
    "Answer",
    "draft_clear",
    "draft_save",
    "drafts_revoke",
    "item_note_add",
    "item_reassign",
    "item_reroute",
    "items_hand_over",
    "items_submit",
]

DECIDED, ALREADY, REFUSED = "decided", "already", "refused"
REROUTED, VOID = "rerouted", "void"
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one item. `typed` gives back the reason of a draft that did not count."""

    item: ReviewItem
    became: str
    outcome: str = ""
    why: str = ""
    typed: str = ""

    @property
    def counts(self) -> bool:
        return self.became in {DECIDED, ALREADY}


@dataclass(slots=True)
class _World:
    """What submitting reads under lock, once for all items."""

    actor: Person
    campaign: Campaign
    grants: Mapping[int, Grant]
    credentials: Mapping[int, Credential]
    bindings: Mapping[int, Binding]
    shared_by: Mapping[int, int]
    designs: Mapping[int, str]
    decisions: Mapping[int, Decision] = field(default_factory=dict)


@transaction.atomic
def items_submit(
    *, campaign_id: int, actor: Person, item_ids: Collection[int] | None = None
) -> list[Answer]:
    """Turn the actor's drafts into decisions and answer item by item.

    One that cannot count (its subject is gone or changed, it was reassigned or decided meanwhile,
    it is the actor's own, or its draft is not whole) is told so and leaves the others be.
    Submitting again decides nothing twice: what the actor decided before is answered as such.
    It never changes a grant: an order does, once the access is seen to be gone.
    """
    enforce(can_use_bench(actor))
    campaign = Campaign.objects.locked(campaign_id)
    drafts = _drafts(campaign, actor, item_ids)
    decided = _decided_by(actor, campaign, set(item_ids or ()) - set(drafts))
    items = list(
        ReviewItem.objects.select_for_update(of=["self"])
        .filter(campaign=campaign, pk__in={*drafts, *decided})
        .order_by("pk")
    )
    world = _world(actor, campaign, items)
    world.decisions = decided
    answers = [_judge(item, drafts.get(item.pk), world) for item in items]
    _write(answers, drafts, actor)
    return answers


def _drafts(
    campaign: Campaign, actor: Person, item_ids: Collection[int] | None
) -> dict[int, Draft]:
    rows = Draft.objects.filter(reviewer=actor.user, item__campaign=campaign)
    if item_ids is not None:
        rows = rows.filter(item__in=item_ids)
    return {draft.item_id: draft for draft in rows.select_for_update(of=["self"])}


def _decided_by(
    actor: Person, campaign: Campaign, item_ids: Collection[int]
) -> dict[int, Decision]:
    rows = Decision.objects.filter(
        decided_by=actor.user, item__campaign=campaign, item__in=item_ids
    )
    return {decision.item_id: decision for decision in rows}


def _world(actor: Person, campaign: Campaign, items: Sequence[ReviewItem]) -> _World:
    grants = _under_lock(Grant, (item.grant_id for item in items))
    credentials = _under_lock(Credential, (item.credential_id for item in items))
    bindings = _under_lock(Binding, (item.binding_id for item in items))
    agents = Agent.objects.in_bulk({item.agent_id for item in items if item.agent_id})
    for item in items:
        # Known already, so that reading them asks the database nothing.
        item.campaign = campaign
        item.agent = agents.get(item.agent_id or 0)
        item.grant = grants.get(item.grant_id or 0)
        item.credential = credentials.get(item.credential_id or 0)
        item.binding = bindings.get(item.binding_id or 0)
    designs = (
        AgentFingerprint.objects.filter(agent__in=agents, kind=FingerprintKind.DESIGN)
        .order_by("agent_id", "-pk")
        .distinct("agent_id")
        .values_list("agent_id", "digest")
    )
    return _World(
        actor=actor,
        campaign=campaign,
        grants=grants,
        credentials=credentials,
        bindings=bindings,
        shared_by=shared_by({item.subject.identity_id for item in items}),
        designs=dict(designs),
    )


def _under_lock(model: Any, pks: Iterable[int | None]) -> dict[int, Any]:
    """Deciding re-reads its subject under lock; in primary key order, so that none wait in turn."""
    wanted = {pk for pk in pks if pk is not None}
    rows = model.objects.select_for_update(of=["self"]).filter(pk__in=wanted).order_by("pk")
    return {row.pk: row for row in rows}


def _judge(item: ReviewItem, draft: Draft | None, world: _World) -> Answer:
    if draft is None:
        before = world.decisions[item.pk]
        return Answer(item, ALREADY, before.outcome, "You decided this before.")
    became, why = _standing(item, world)
    if became == DECIDED:
        missing = _missing(item, draft, world)
        if missing:
            became, why = REFUSED, f"It still needs {in_words(missing)}."
    typed = "" if became == DECIDED else draft.reason
    return Answer(item, became, draft.outcome, why, typed)


def _standing(item: ReviewItem, world: _World) -> tuple[str, str]:
    """Whether the actor may decide the item as it stands now, and if not, why."""
    if item.reviewer_id != world.actor.user.pk:
        return REFUSED, f"It was reassigned to {item.reviewer} meanwhile."
    askable = is_askable(item)
    if not askable:
        return REFUSED, askable.reason
    judging = may_judge(world.actor.user.pk, item)
    for became, why in (
        (VOID, _gone(item, world)),
        (REFUSED, _changed(item, world)),
        (REROUTED, judging.reason),
    ):
        if why:
            return became, why
    return DECIDED, ""


def _missing(item: ReviewItem, draft: Draft, world: _World) -> list[str]:
    asked = asked_of(
        kind=item.kind,
        level=item.level,
        frozen=item.frozen,
        policy=world.campaign.policy,
        shared_by=world.shared_by.get(item.subject.identity_id, 0),
    )
    chosen = Chosen(draft.outcome, draft.until, draft.target, draft.hits, draft.reason)
    return what_is_missing(asked, chosen, timezone.localdate())


def _gone(item: ReviewItem, world: _World) -> str:
    if item.grant_id:
        grant = world.grants[item.grant_id]
        if grant.state not in LIVE:
            return f"This access has ended: it is {grant.get_state_display().lower()}."
        return "Its source no longer shows it." if grant.gone_at else ""
    if item.credential_id:
        credential = world.credentials[item.credential_id]
        if credential.state in CREDENTIAL_OVER:
            return f"This credential is over: {credential.get_state_display().lower()}."
        return "Its source no longer shows it." if credential.gone_at else ""
    return "This binding has ended." if world.bindings[item.binding_id or 0].ended_at else ""


def _changed(item: ReviewItem, world: _World) -> str:
    """A certification is of one design: what changed since staging is asked about anew."""
    frozen = item.frozen.get("content_sha256", "")
    if item.grant_id and frozen and world.grants[item.grant_id].content_sha256 != frozen:
        return "What it allows changed since it was staged; a new item takes its place."
    newest = world.designs.get(item.agent_id or 0, "")
    if item.design_digest and newest and newest != item.design_digest:
        return "The agent's design changed since it was staged; a new item takes its place."
    return ""


def _write(answers: Sequence[Answer], drafts: Mapping[int, Draft], actor: Person) -> None:
    decided = [answer.item for answer in answers if answer.became == DECIDED]
    _decide(decided, drafts, actor)
    gone = [answer for answer in answers if answer.became == VOID]
    for why in {answer.why for answer in gone}:
        items = [answer.item for answer in gone if answer.why == why]
        items_move(items, ItemState.VOID, Disposition.VOID, actor=actor, reason=why)
    rerouted = [answer.item for answer in answers if answer.became == REROUTED]
    if rerouted:
        items_reroute(items=rerouted, actor=actor)
    over = [answer.item.pk for answer in answers if answer.became in {DECIDED, VOID, REROUTED}]
    Draft.objects.filter(item__in=over, reviewer=actor.user).delete()


def _decide(items: Sequence[ReviewItem], drafts: Mapping[int, Draft], actor: Person) -> None:
    Decision.objects.bulk_create(
        (
            Decision(
                item=item,
                decided_by=actor.user,
                design_digest=item.design_digest,
                access_digest=item.access_digest,
                outcome=drafts[item.pk].outcome,
                until=drafts[item.pk].until,
                target=drafts[item.pk].target,
                hits=drafts[item.pk].hits,
                reason=drafts[item.pk].reason,
            )
            for item in items
        ),
        batch_size=BATCH,
    )
    ReviewItem.objects.filter(pk__in=[item.pk for item in items]).update(state=ItemState.DECIDED)
    record_many(
        actor=actor,
        verb=Verb.ITEM_DECIDED,
        facts=[_said(item, drafts[item.pk]) for item in items],
    )
    for item in items:
        item.state = ItemState.DECIDED


def _said(item: ReviewItem, draft: Draft) -> Fact:
    changes = {"state": (item.state, ItemState.DECIDED), "outcome": (None, draft.outcome)}
    for name in ("until", "target", "hits"):
        if getattr(draft, name):
            changes[name] = (None, getattr(draft, name))
    return Fact(item, changes, draft.reason)
