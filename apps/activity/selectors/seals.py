"""How records of the trail stand in the log, checked as somebody looks."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.activity.models import Event
from apps.activity.selectors.repeating import columns_that_differ, row_of
from apps.proof.merkle import ProofError, leaf_hash
from apps.proof.models import Checkpoint, Epoch, Log
from apps.proof.notes import NoteError
from apps.proof.selectors import checkpoint_opened, tiles_at
from apps.proof.tiles import place_of


@dataclass(frozen=True, slots=True)
class SealTold:
    """How many records were checked, how many no checkpoint covers yet, and what does not hold."""

    count: int
    checkpoint: Checkpoint | None
    unsigned: int
    trouble: str


def seal_told(log: Log, events: Sequence[Event]) -> SealTold:
    """Hash each header anew against its leaf, and the log against its newest checkpoint.

    Columns are compared as well: they are what a page shows, and have to repeat the header.
    """
    newest = Checkpoint.objects.newest_of(log).first()
    signed = newest.size if newest else 0
    try:
        trouble = _trouble(log, events, newest)
    except (ProofError, NoteError) as error:
        trouble = str(error)
    return SealTold(len(events), newest, sum(e.leaf_index >= signed for e in events), trouble)


def _trouble(log: Log, events: Sequence[Event], newest: Checkpoint | None) -> str:
    tiles = tiles_at(log, newest)
    tiles.fetch({place_of((0, one.leaf_index)) for one in events})
    for one in events:
        if tiles.node((0, one.leaf_index)) != leaf_hash(one.header.encode()):
            return f"Record {one.leaf_index} says other than what was sealed."
        if wrong := columns_that_differ(one.header, row_of(one)):
            return f"Record {one.leaf_index} stands under another {wrong[0]} than it says."
    if newest is not None:
        told = checkpoint_opened(newest, Epoch.objects.filter(log=log).order_by("number"))
        if tiles.root(told.size) != told.root:
            return "The log is not the one that was signed."
    return ""
