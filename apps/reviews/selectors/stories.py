"""One item as one story: what was asked, who was asked, what was said, what followed."""

from dataclasses import dataclass
from itertools import chain

from apps.audit.models import AuditEntry
from apps.inventory.models import Agent
from apps.reviews.models import Assignment, Decision, ItemNote, ReviewItem
from apps.reviews.selectors.sharing import agents_behind
from apps.reviews.selectors.since import Since, since_last_review
from apps.reviews.states import NoteKind


@dataclass(frozen=True, slots=True)
class Story:
    item: ReviewItem
    decision: Decision | None
    assignments: list[Assignment]
    notes: list[ItemNote]
    serves: list[Agent]
    entries: list[AuditEntry]
    since: Since

    @property
    def questions(self) -> list[ItemNote]:
        """Questions that nobody has answered yet."""
        answered = {note.answers_id for note in self.notes}
        asked = (note for note in self.notes if note.kind == NoteKind.QUESTION)
        return [note for note in asked if note.pk not in answered]


def story_of(item: ReviewItem) -> Story:
    people = ("author", "addressee")
    return Story(
        item=item,
        decision=Decision.objects.filter(item=item).select_related("decided_by").first(),
        assignments=list(item.assignments.select_related("reviewer", "assigned_by")),
        notes=list(item.notes.select_related(*people)),
        serves=agents_behind([item.identity.pk]).get(item.identity.pk, []),
        entries=_entries(item),
        since=since_last_review(item.agent, item.campaign, item.frozen.get("agent")),
    )


def _entries(item: ReviewItem) -> list[AuditEntry]:
    """The record of the item and of the order it led to, newest first."""
    mine = AuditEntry.objects.filter(target_type="reviews.reviewitem", target_id=item.pk)
    theirs = AuditEntry.objects.filter(
        target_type="remediation.order", target_id=item.order_id or 0
    )
    both = chain(mine.select_related("actor"), theirs.select_related("actor"))
    return sorted(both, key=lambda entry: -entry.pk)


def proposed_reviewer_of(item: ReviewItem) -> int | None:
    """Whom the newest “not mine” proposes, if anybody."""
    said = item.notes.filter(kind=NoteKind.NOT_MINE, addressee__isnull=False)
    return said.order_by("-pk").values_list("addressee", flat=True).first()
