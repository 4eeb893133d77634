"""Who decides an item changes: by a person, because it is their own, or because somebody left."""

from collections.abc import Sequence

from django.db import transaction

from apps.accounts.models import User
from apps.audit.services import Fact, record, record_many
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.links import public_url
from apps.core.policies import enforce
from apps.notices.services import notice_send
from apps.reviews.choices import SHORTEST_REASON
from apps.reviews.models import Assignment, ReviewItem
from apps.reviews.policies.items import can_be_given, can_hand_over, can_reassign, may_judge
from apps.reviews.services.freezing.context import people_for
from apps.reviews.services.letters import deadline_told
from apps.reviews.states import UNDER_WAY, FoundBy, ItemState

BATCH = 1000


@transaction.atomic
def item_reassign(*, item_id: int, to_user_id: int, reason: str, actor: Actor) -> ReviewItem:
    """Give an open item to another reviewer, at most twice in its life, and tell them by mail.

    The old reviewer's draft stays theirs and private. Nobody is given their own to judge.
    """
    if len(reason.strip()) < SHORTEST_REASON:
        raise DomainError(f"Say why in at least {SHORTEST_REASON} characters.")
    item = ReviewItem.objects.with_subject().locked(item_id)
    enforce(can_reassign(actor, item))
    person = User.objects.who_may_decide().filter(pk=to_user_id).first()
    if person is None:
        raise DomainError("Only an active reviewer or steward can be given an item.")
    may = can_be_given(person.pk, item)
    if not may:
        raise DomainError(may.reason)
    before = str(item.reviewer)
    item.reassigned_count += 1
    _assign([item], person, FoundBy.REASSIGNED, reason, actor)
    item.save(update_fields=["reassigned_count"])
    record(
        actor=actor,
        verb=Verb.ITEM_REASSIGNED,
        target=item,
        changes={"reviewer": (before, str(person))},
        reason=reason,
    )
    notice_send(
        kind="review-reassigned",
        recipient=person,
        about=item,
        subject=f"An item to decide: {item.label}",
        body=(
            f"{actor} gave you “{item.label}” of “{item.campaign}” to decide by"
            f" {deadline_told(item.campaign)}.\n\n{reason}\n\n{public_url(item.get_absolute_url())}"
        ),
        dedupe_key=f"item:{item.pk}:reassigned:{item.reassigned_count}",
        actor=actor,
    )
    return item


def items_reroute(*, items: Sequence[ReviewItem], actor: Actor) -> int:
    """Send locked items that their reviewer may not judge to whoever may; returns how many.

    Call it inside the transaction that found them out. An item that nobody may judge stays.
    """
    moved = 0
    for item in items:
        why = may_judge(item.reviewer_id, item).reason
        person = _somebody_for(item, barred=item.reviewer_id)
        if person is None:
            continue
        before = str(item.reviewer)
        _assign([item], person, FoundBy.SELF_REVIEW, why, actor)
        record(
            actor=actor,
            verb=Verb.ITEM_REASSIGNED,
            target=item,
            changes={"reviewer": (before, str(person))},
            reason=why,
        )
        moved += 1
    return moved


@transaction.atomic
def item_reroute(*, item_id: int, actor: Person) -> ReviewItem:
    """Pass on an item that its reviewer finds to be their own."""
    item = ReviewItem.objects.with_subject().locked(item_id)
    if item.reviewer_id != actor.user.pk:
        raise DomainError("This item is assigned to someone else.")
    if item.state != ItemState.OPEN or may_judge(actor.user.pk, item):
        raise DomainError("This item is yours to decide.")
    if not items_reroute(items=[item], actor=actor):
        raise DomainError("Nobody else may decide it either. Tell whoever runs the campaign.")
    return item


@transaction.atomic
def items_hand_over(*, from_user_id: int, to_user_id: int, reason: str, actor: Actor) -> int:
    """Give everything that waits for somebody who leaves to somebody else; returns how many.

    What the new reviewer may not judge goes to the fallback. It is no reassignment of the two
    that an item may have. Attestations asked of the one go to the other.
    """
    enforce(can_hand_over(actor))
    person = User.objects.who_may_decide().filter(pk=to_user_id).exclude(pk=from_user_id).first()
    if person is None:
        raise DomainError("Only an active reviewer or steward can take items over.")
    waiting = ReviewItem.objects.filter(state=ItemState.OPEN, campaign__state__in=UNDER_WAY)
    waiting.filter(attester=from_user_id).update(attester=person)
    items = list(
        waiting.filter(reviewer=from_user_id)
        .with_subject()
        .select_for_update(of=["self"])
        .order_by("pk")
    )
    mine = [item for item in items if may_judge(person.pk, item)]
    facts = [Fact(item, {"reviewer": (str(item.reviewer), str(person))}, reason) for item in mine]
    _assign(mine, person, FoundBy.TAKEOVER, reason, actor)
    record_many(actor=actor, verb=Verb.ITEM_REASSIGNED, facts=facts)
    barred = [item for item in items if not may_judge(person.pk, item)]
    return len(mine) + sum(_hand_to_fallback(item, person, reason, actor) for item in barred)


def _hand_to_fallback(item: ReviewItem, barred: User, reason: str, actor: Actor) -> int:
    before = str(item.reviewer)
    person = _somebody_for(item, barred=barred.pk)
    if person is None:
        raise DomainError(f"Nobody but {barred} is left to decide “{item}”, and it is their own.")
    why = f"{reason} {barred} may not judge their own, so the fallback decides.".strip()
    _assign([item], person, FoundBy.SELF_REVIEW, why, actor)
    record(
        actor=actor,
        verb=Verb.ITEM_REASSIGNED,
        target=item,
        changes={"reviewer": (before, str(person))},
        reason=why,
    )
    return 1


def _somebody_for(item: ReviewItem, *, barred: int) -> User | None:
    """The campaign's fallback, else another steward, who may judge it and is not `barred`."""
    people = people_for(item.campaign.fallback_reviewer_id).reviewers
    able = [people.fallback_id, *people.stewards]
    chosen = next(
        (
            pk
            for pk in able
            if pk in people.able and pk not in {barred, item.reviewer_id} and may_judge(pk, item)
        ),
        None,
    )
    return None if chosen is None else User.objects.get(pk=chosen)


def _assign(
    items: Sequence[ReviewItem], person: User, found_by: FoundBy, reason: str, actor: Actor
) -> None:
    by = actor.user if isinstance(actor, Person) else None
    Assignment.objects.bulk_create(
        (
            Assignment(item=item, reviewer=person, found_by=found_by, reason=reason, assigned_by=by)
            for item in items
        ),
        batch_size=BATCH,
    )
    pks = [item.pk for item in items]
    ReviewItem.objects.filter(pk__in=pks).update(reviewer=person, found_by=found_by)
    for item in items:
        item.reviewer, item.found_by = person, found_by
