"""Two reviews of the past: written down as they ended, each entry with the time it had.

They cannot be replayed through the services, which stamp the present. Everything is inserted
once, in final states, with the record that such a review leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.console.sample.removed import removed_grants
from apps.console.sample.schedule import named, quarterly, quarters_of
from apps.core.preferences import all_preferences
from apps.grants.models import Grant
from apps.inventory.models import Source
from apps.notices.models import Delivery, Notice
from apps.notices.states import DeliveryStatus
from apps.remediation.models import Order, OrderProof
from apps.remediation.states import OrderKind, OrderState, ProofKind
from apps.reviews.models import (
    Acknowledgement,
    Assignment,
    Campaign,
    CampaignSource,
    Decision,
    ReviewItem,
    Template,
)
from apps.reviews.scope import Scope
from apps.reviews.services.acknowledging import WORDS
from apps.reviews.services.freezing import Freezer, frozen_grants
from apps.reviews.services.staging import AT_FALLBACK, population_of, population_sha256
from apps.reviews.states import AtClose, CampaignState, Disposition, ItemState, Outcome

DAY = timedelta(days=1)
REASONS = (
    "Still needed: the task runs every working day.",
    "Used this week; no smaller permission would do.",
    "Needed until the new process is in place.",
    "Checked with the team: without it the task stops.",
)


@dataclass(frozen=True, slots=True)
class Past:
    """When one review was due and ran, and how much access it ended."""

    name: str
    due_at: datetime
    staged_at: datetime
    removed: int

    @property
    def launched_at(self) -> datetime:
        return self.staged_at + timedelta(hours=3)

    @property
    def decided_at(self) -> datetime:
        return self.launched_at + 13 * DAY

    @property
    def closed_at(self) -> datetime:
        return self.decided_at + 8 * DAY


@transaction.atomic
def past_reviews_load(*, people: dict[str, User], now: datetime) -> int:
    """Write both reviews down. Returns how many items they have."""
    template = quarterly()
    _, on_time, late, _ = quarters_of(template, now)
    reviews = (
        Past(named(template, on_time), on_time, on_time + timedelta(hours=9), 9),
        Past(named(template, late), late, late + 11 * DAY, 6),
    )
    return sum(_Review(past, people, template).write() for past in reviews)


class _Review:
    def __init__(self, past: Past, people: dict[str, User], template: Template):
        self.past = past
        self.people = people
        self.steward = people["administrator"]
        self.campaign = self._campaign(template)
        self.entries: list[AuditEntry] = []

    def write(self) -> int:
        self._note(self.campaign, Verb.CAMPAIGN_CREATED, self.past.staged_at - DAY, None, "draft")
        gone = removed_grants(
            count=self.past.removed,
            first_seen_at=self.past.staged_at - 90 * DAY,
            ended_at=self.past.closed_at - 2 * DAY,
        )
        items = self._items(gone)
        self._sources()
        self._decide(items, {grant.pk for grant in gone})
        self._close(items)
        AuditEntry.objects.bulk_create(self.entries, batch_size=1000)
        return len(items)

    def _campaign(self, template: Template) -> Campaign:
        past = self.past
        return Campaign.objects.create(
            template=template,
            occurrence_at=past.due_at,
            name=past.name,
            scope=Scope(levels=("write", "admin")).stored(),
            policy=all_preferences(),
            instructions=template.instructions,
            run_by=self.steward,
            fallback_reviewer=self.people["security"],
            deadline_at=past.decided_at,
            state=CampaignState.ACKNOWLEDGED,
            created_at=past.staged_at - DAY,
            staged_at=past.staged_at,
            launched_at=past.launched_at,
            decided_at=past.decided_at,
            closed_at=past.closed_at,
        )

    def _items(self, gone: Sequence[Grant]) -> list[ReviewItem]:
        held = (
            Grant.objects.present()
            .writing()
            .filter(
                first_seen_at__lt=self.past.staged_at, identity__bindings__ended_at__isnull=True
            )
        )
        pks = sorted({*held.values_list("pk", flat=True), *(grant.pk for grant in gone)})
        items = [new.unsaved() for new in frozen_grants(Freezer(self.campaign), pks)]
        ended = {grant.pk for grant in gone}
        for item in items:
            item.state = ItemState.FINAL
            item.disposition = Disposition.REVOKED if item.grant_id in ended else Disposition.KEPT
            item.at_close = AtClose.GONE if item.grant_id in ended else AtClose.SAME
        ReviewItem.objects.bulk_create(items)
        Assignment.objects.bulk_create(
            Assignment(
                item=item,
                reviewer_id=item.reviewer_id,
                found_by=item.found_by,
                since=self.past.staged_at,
            )
            for item in items
        )
        self._note(
            self.campaign,
            Verb.CAMPAIGN_ITEMS_CREATED,
            self.past.staged_at,
            None,
            len(items),
            field="population",
        )
        return items

    def _sources(self) -> None:
        """The readings it stood on: the same accounts, before approvals were begun with.

        Under a name of their own, so that the present one begins when asking here does.
        """
        for current in Source.objects.current():
            for moment, at in (
                ("staging", self.past.staged_at - timedelta(hours=5)),
                ("closing", self.past.closed_at - timedelta(hours=2)),
            ):
                CampaignSource.objects.create(
                    campaign=self.campaign,
                    source=self._reading(current, at),
                    moment=moment,
                    age_hours=5 if moment == "staging" else 2,
                    is_stale=False,
                )

    def _reading(self, current: Source, at: datetime) -> Source:
        return Source.objects.create(
            stream=f"{current.stream}, before approvals"[:200],
            format=current.format,
            account=current.account,
            label=current.label,
            file_name=current.file_name,
            raw_sha256=current.raw_sha256,
            raw_bytes=current.raw_bytes,
            command=current.command,
            provider_time=at,
            read_at=at,
            read_count=current.read_count,
            accepted_count=current.accepted_count,
            rejected_count=current.rejected_count,
            brought_by=self.steward,
            brought_by_label=str(self.steward),
            channel=current.channel,
            superseded_at=at + DAY,
        )

    def _decide(self, items: Sequence[ReviewItem], ended: set[int]) -> None:
        self._notify({item.reviewer_id for item in items})
        self._moved(CampaignState.STAGED, CampaignState.RUNNING, self.past.launched_at)
        decisions = [self._decision(number, item, ended) for number, item in enumerate(items)]
        Decision.objects.bulk_create(decisions)
        for decision in decisions:
            self._note(
                decision.item,
                Verb.ITEM_DECIDED,
                decision.decided_at,
                None,
                decision.outcome,
                field="outcome",
                reason=decision.reason,
                by=decision.item.reviewer,
            )
        self._moved(CampaignState.RUNNING, CampaignState.DECIDED, self.past.decided_at)
        for item in items:
            if item.grant_id in ended:
                self._order(item)
        self._moved(
            CampaignState.DECIDED,
            CampaignState.REMEDIATING,
            self.past.decided_at + timedelta(hours=1),
        )

    def _decision(self, number: int, item: ReviewItem, ended: set[int]) -> Decision:
        revoked = item.grant_id in ended
        at = self.past.launched_at + timedelta(hours=8 + (number * 7) % 260)
        return Decision(
            item=item,
            outcome=Outcome.REVOKE if revoked else Outcome.KEEP,
            until=None if revoked else (at + 90 * DAY).date(),
            reason="Not used since the move; nobody needs it."
            if revoked
            else REASONS[number % len(REASONS)],
            decided_by_id=item.reviewer_id,
            decided_at=at,
            design_digest=item.design_digest,
            access_digest=item.access_digest,
        )

    def _order(self, item: ReviewItem) -> None:
        """A removal that one person carried out and another confirmed."""
        done, seen = self.past.decided_at + 2 * DAY, self.past.decided_at + 4 * DAY
        order = Order.objects.create(
            kind=OrderKind.REVOKE,
            grant_id=item.grant_id,
            label=item.label,
            reason="Not used since the move; nobody needs it.",
            origin_type="reviews.reviewitem",
            origin_id=item.pk,
            campaign_id=self.campaign.pk,
            state=OrderState.CONFIRMED,
            decided_by_id=item.reviewer_id,
            decided_at=self.past.decided_at,
            executed_at=done,
            executed_by=self.people["reliability"],
            verified_at=seen,
            verified_how="Confirmed by hand by Identity administrator, with proof.",
            created_at=self.past.decided_at,
        )
        ReviewItem.objects.filter(pk=item.pk).update(order=order)
        for kind, text, at, by in (
            (ProofKind.DONE, "Taken out of the role.", done, self.people["reliability"]),
            (ProofKind.PROOF, "The role no longer lists it.", seen, self.steward),
        ):
            OrderProof.objects.create(
                order=order, kind=kind, text=text, given_by=by, given_by_label=str(by), given_at=at
            )
        self._note(order, Verb.ORDER_PLANNED, self.past.decided_at, None, "planned")
        self._note(order, Verb.ORDER_CONFIRMED, seen, "manual_needed", "confirmed")

    def _notify(self, reviewer_ids: set[int]) -> None:
        at = self.past.launched_at
        for reviewer in User.objects.filter(pk__in=reviewer_ids):
            notice = Notice.objects.create(
                kind="reviews.launched",
                recipient=reviewer,
                address=reviewer.email,
                about_type=self.campaign._meta.label_lower,
                about_id=self.campaign.pk,
                subject=f"{self.campaign} waits for your decisions",
                body="Please decide by the deadline.",
                dedupe_key=f"sample:{self.campaign.pk}:{reviewer.pk}",
                created_at=at,
            )
            Delivery.objects.create(
                notice=notice, status=DeliveryStatus.SENT, attempts=1, sent_at=at
            )

    def _close(self, items: Sequence[ReviewItem]) -> None:
        campaign, past = self.campaign, self.past
        campaign.population_count = len(items)
        campaign.fallback_count = sum(item.found_by in AT_FALLBACK for item in items)
        campaign.population_sha256 = population_sha256(population_of(campaign))
        campaign.reconciliation = {
            "population": len(items),
            "dispositions": self._counted("disposition"),
            "at_close": self._counted("at_close"),
            "new": [],
            "new_count": 0,
            "not_compared": [],
        }
        campaign.save(
            update_fields=[
                "population_count",
                "fallback_count",
                "population_sha256",
                "reconciliation",
            ]
        )
        self._moved(CampaignState.VERIFYING, CampaignState.CLOSED, past.closed_at)
        at = past.closed_at + DAY
        Acknowledgement.objects.create(
            campaign=campaign, words=WORDS, given_by=self.people["platform"], given_at=at
        )
        self._moved(CampaignState.CLOSED, CampaignState.ACKNOWLEDGED, at, self.people["platform"])

    def _counted(self, field: str) -> dict[str, int]:
        rows = ReviewItem.objects.filter(campaign=self.campaign).order_by()
        return dict(sorted(rows.values_list(field).annotate(n=Count("pk"))))

    def _moved(self, before: str, after: str, at: datetime, by: User | None = None) -> None:
        self._note(self.campaign, Verb.CAMPAIGN_MOVED, at, str(before), str(after), by=by)

    def _note(
        self,
        target: Any,
        verb: Verb,
        at: datetime,
        before: Any,
        after: Any,
        *,
        field: str = "state",
        reason: str = "",
        by: User | None = None,
    ) -> None:
        person = by or self.steward
        self.entries.append(
            AuditEntry(
                occurred_at=at,
                actor=person,
                actor_label=str(person),
                channel="web",
                verb=verb,
                target_type=target._meta.label_lower,
                target_id=target.pk,
                target_label=str(target)[:200],
                changes={field: [before, str(after)]},
                reason=reason,
            )
        )
