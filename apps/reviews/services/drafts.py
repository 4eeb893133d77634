"""Drafts: private and reversible until they are submitted. They leave no entry in the record."""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.reviews.choices import SHORTEST_REASON, Chosen
from apps.reviews.models import Draft, ReviewItem
from apps.reviews.policies.items import can_draft, can_use_bench
from apps.reviews.states import ItemState, Outcome

FIELDS = ("outcome", "until", "target", "hits", "reason")


class StaleDraft(DomainError):
    """The draft was changed elsewhere since this page showed it."""


@transaction.atomic
def draft_save(*, item_id: int, chosen: Chosen, version: int, actor: Person) -> Draft:
    """Keep a reviewer's choice, whole or not. `version` is that of the draft the page showed.

    Saying the same thing again changes nothing, so a double submit is harmless. Raises
    `StaleDraft` where another tab saved something else meanwhile, and then changes nothing.
    """
    item = _locked(item_id)
    enforce(can_draft(actor, item))
    draft = Draft.objects.filter(item=item, reviewer=actor.user).first()
    values = _values(chosen)
    if draft is None:
        if version:
            raise StaleDraft("This draft was undone in another tab. Look again, then decide.")
        return Draft.objects.create(item=item, reviewer=actor.user, **values)
    if values == {name: getattr(draft, name) for name in FIELDS}:
        return draft
    if version != draft.version:
        raise StaleDraft("This was changed in another tab. What is kept now is shown here.")
    for name, value in values.items():
        setattr(draft, name, value)
    draft.version += 1
    draft.saved_at = timezone.now()
    draft.save(update_fields=[*FIELDS, "version", "saved_at"])
    return draft


@transaction.atomic
def draft_clear(*, item_id: int, version: int, actor: Person) -> None:
    """Undo a draft. One that is gone already stays gone; one changed elsewhere is kept."""
    item = _locked(item_id)
    draft = Draft.objects.filter(item=item, reviewer=actor.user).first()
    if draft is None:
        return
    if version != draft.version:
        raise StaleDraft("This was changed in another tab. What is kept now is shown here.")
    draft.delete()


@transaction.atomic
def drafts_revoke(
    *, campaign_id: int, item_ids: Collection[int], reason: str, hits: str, actor: Person
) -> int:
    """Draft the revocation of several items with one reason; returns how many.

    Keeping has no such shortcut: a reason for every write. Items that may not be drafted, since
    they are decided, reassigned, or one's own, are left alone.
    """
    enforce(can_use_bench(actor))
    if len(reason.strip()) < SHORTEST_REASON:
        raise DomainError(f"A reason of at least {SHORTEST_REASON} characters is needed.")
    items = [
        item
        for item in ReviewItem.objects.with_subject()
        .select_for_update(of=["self"])
        .filter(campaign=campaign_id, pk__in=item_ids, state=ItemState.OPEN)
        .order_by("pk")
        if can_draft(actor, item)
    ]
    known = dict(
        Draft.objects.filter(item__in=items, reviewer=actor.user).values_list("item_id", "version")
    )
    chosen = _values(Chosen(Outcome.REVOKE, reason=reason, hits=hits))
    now = timezone.now()
    Draft.objects.bulk_create(
        (
            Draft(
                item=item,
                reviewer=actor.user,
                version=known.get(item.pk, 0) + 1,
                saved_at=now,
                **chosen,
            )
            for item in items
        ),
        update_conflicts=True,
        unique_fields=["reviewer", "item"],
        update_fields=[*FIELDS, "version", "saved_at"],
        batch_size=1000,
    )
    return len(items)


def _locked(item_id: int) -> ReviewItem:
    return ReviewItem.objects.with_subject().locked(item_id)


def _values(chosen: Chosen) -> dict[str, Any]:
    """Keep only what the outcome uses, so that a changed mind leaves nothing behind."""
    keeps, narrows = chosen.outcome == Outcome.KEEP, chosen.outcome == Outcome.NARROW
    removes = chosen.outcome in {Outcome.NARROW, Outcome.REVOKE, Outcome.ROTATE}
    return {
        "outcome": str(chosen.outcome),
        "until": chosen.until if keeps else None,
        "target": dict(chosen.target) if narrows else {},
        "hits": chosen.hits if removes else "",
        "reason": chosen.reason.strip(),
    }
