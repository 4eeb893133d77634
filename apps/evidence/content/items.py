"""The population: at launch, at close, and item by item what became of it."""

from collections import Counter
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from apps.evidence.content.files import Files, compact
from apps.evidence.content.index import INDEX_COLUMNS, Cover, Workbook, index_row
from apps.evidence.content.review import Review
from apps.reviews.models import ReviewItem
from apps.reviews.states import AtClose, Disposition, ItemState

CHUNK = 2000
OPEN = "open"
DECIDED = "decided"
NOT_YET = {OPEN: "Open", DECIDED: "Decided, not final yet"}
NO_ANSWER = {Disposition.UNCERTIFIED, Disposition.SUSPENDED, Disposition.WITHDRAWN}

POPULATION = [
    "item",
    "kind",
    "subject_id",
    "label",
    "agent_id",
    "agent",
    "system_id",
    "system",
    "identity",
    "service",
    "level",
    "subject_sha256",
    "design_digest",
    "access_digest",
]
AT_CLOSE = [
    "item",
    "origin",
    "label",
    "disposition",
    "disposition_words",
    "reason",
    "supersedes_item",
    "compared_at_close",
    "gone_at",
    "order",
]
DECISIONS = [
    "decision",
    "item",
    "label",
    "level",
    "outcome",
    "until",
    "target",
    "hits",
    "reason",
    "decided_by_id",
    "decided_by",
    "decided_at",
    "design_digest",
    "access_digest",
]
NO_ANSWERS = ["item", "label", "level", "disposition", "reviewer_id", "reviewer", "abstained"]
CARRIED = [
    "item",
    "label",
    "level",
    "rule",
    "from_decision",
    "from_item",
    "from_campaign",
    "outcome",
    "decided_by_id",
    "decided_by",
    "decided_at",
    "decision_reason",
]
DIFFERENCE = ["item", "label", "difference", "since"]

FIELDS = (
    "pk",
    "label",
    "level",
    "state",
    "disposition",
    "state_reason",
    "at_close",
    "frozen",
    "subject_sha256",
    "design_digest",
    "access_digest",
    "found_by",
    "reviewer_id",
    "reviewer__display_name",
    "agent_id",
    "agent__name",
    "system_id",
    "system__name",
    "grant_id",
    "credential_id",
    "binding_id",
    "grant__service",
    "grant__gone_at",
    "grant__identity__external_id",
    "credential__gone_at",
    "credential__identity__external_id",
    "binding__ended_at",
    "binding__identity__external_id",
    "supersedes_id",
    "order_id",
    "carries_id",
    "carries__item_id",
    "carries__item__campaign__name",
    "carries__outcome",
    "carries__decided_by_id",
    "carries__decided_by__display_name",
    "carries__decided_at",
    "carries__reason",
    "decision__id",
    "decision__outcome",
    "decision__until",
    "decision__target",
    "decision__hits",
    "decision__reason",
    "decision__decided_by_id",
    "decision__decided_by__display_name",
    "decision__decided_at",
    "decision__design_digest",
    "decision__access_digest",
)

type Item = dict[str, Any]


def write_items(files: Files, review: Review, orders: dict[int, tuple]) -> dict[str, int]:
    """Write every file that has a row per item, in one pass; returns the dispositions.

    `orders` maps an item to its order's id, state, and time of verification.
    """
    rows = ReviewItem.objects.filter(campaign=review.campaign).order_by("pk").values(*FIELDS)
    dispositions: Counter[str] = Counter()
    with ExitStack() as open_files:
        enter = open_files.enter_context
        launch = enter(
            files.csv("data/population_at_launch.csv", "Population at launch", POPULATION)
        )
        frozen = enter(
            files.jsonl("data/population_at_launch.jsonl", "Population at launch, in full")
        )
        close = enter(files.csv("data/population_at_close.csv", "Population at close", AT_CLOSE))
        decisions = enter(files.csv("data/decisions.csv", "Decisions", DECISIONS))
        silent = enter(files.csv("data/no_answers.csv", "Items without an answer", NO_ANSWERS))
        carried = enter(files.csv("data/carried_forward.csv", "Items carried forward", CARRIED))
        differs = enter(
            files.csv("data/difference.csv", "Difference between launch and close", DIFFERENCE)
        )
        index = enter(files.csv("data/index.csv", "Index: one row per item", INDEX_COLUMNS))
        book = enter(Workbook(files, _cover(review)))
        for item in rows.iterator(chunk_size=CHUNK):
            disposition = item["disposition"] or _by_state(item["state"])
            dispositions[disposition] += 1
            if item["pk"] not in review.added:
                launch(_population_row(item))
                frozen(
                    {
                        **dict(zip(POPULATION, _population_row(item), strict=True)),
                        "frozen": item["frozen"],
                    }
                )
            close(_close_row(item, disposition, review))
            if item["decision__id"] is not None:
                decisions(_decision_row(item))
            if disposition in NO_ANSWER:
                silent(_silent_row(item, disposition))
            if disposition == Disposition.CARRIED:
                carried(_carried_row(item))
            for difference in _differences(item, review):
                differs([item["pk"], item["label"], *difference])
            row = index_row(item, disposition, orders.get(item["pk"], ()))
            index(row)
            book.write(row)
        for new in review.campaign.reconciliation.get("new", []):
            differs(
                ["", new["label"], "in scope at close, not in the population", new["first_seen_at"]]
            )
    return dict(sorted(dispositions.items()))


def _cover(review: Review) -> Cover:
    campaign = review.campaign
    return Cover(
        name=campaign.name,
        sheet="Items",
        columns=INDEX_COLUMNS,
        note=review.note,
        stamp=campaign.closed_at or campaign.launched_at,
    )


def _by_state(state: str) -> str:
    """An item that ended without a choice is named by its state; any other has not ended."""
    if state == ItemState.DECIDED:
        return DECIDED
    settled = {ItemState.VOID, ItemState.SUPERSEDED, ItemState.EXCLUDED, ItemState.CARRIED}
    return state if state in settled else OPEN


def words_of(disposition: str) -> str:
    return NOT_YET.get(disposition) or str(Disposition(disposition).label)


def kind_of(item: Item) -> str:
    return next(kind for kind in ("grant", "credential", "binding") if item[f"{kind}_id"])


def _population_row(item: Item) -> list[Any]:
    kind = kind_of(item)
    return [
        item["pk"],
        kind,
        item[f"{kind}_id"],
        item["label"],
        item["agent_id"],
        item["agent__name"],
        item["system_id"],
        item["system__name"],
        item[f"{kind}__identity__external_id"],
        item["grant__service"],
        item["level"],
        item["subject_sha256"],
        item["design_digest"],
        item["access_digest"],
    ]


def gone_at(item: Item, review: Review) -> datetime | None:
    """When the subject was seen to be gone, as far as this package speaks."""
    moment: datetime | None = (
        item["grant__gone_at"] or item["credential__gone_at"] or item["binding__ended_at"]
    )
    if moment is not None and review.until is not None and moment > review.until:
        return None
    return moment


def _close_row(item: Item, disposition: str, review: Review) -> list[Any]:
    gone = gone_at(item, review)
    return [
        item["pk"],
        "added" if item["pk"] in review.added else "launch",
        item["label"],
        disposition,
        words_of(disposition),
        item["state_reason"],
        item["supersedes_id"],
        AtClose(item["at_close"]).label,
        gone,
        item["order_id"],
    ]


def _decision_row(item: Item) -> list[Any]:
    return [
        item["decision__id"],
        item["pk"],
        item["label"],
        item["level"],
        item["decision__outcome"],
        item["decision__until"],
        compact(item["decision__target"]),
        item["decision__hits"],
        item["decision__reason"],
        item["decision__decided_by_id"],
        item["decision__decided_by__display_name"],
        item["decision__decided_at"],
        item["decision__design_digest"],
        item["decision__access_digest"],
    ]


def _silent_row(item: Item, disposition: str) -> list[Any]:
    return [
        item["pk"],
        item["label"],
        item["level"],
        disposition,
        item["reviewer_id"],
        item["reviewer__display_name"],
        item["decision__id"] is not None,
    ]


def _carried_row(item: Item) -> list[Any]:
    """By which rule nobody was asked, and the decision that stands for the answer."""
    return [
        item["pk"],
        item["label"],
        item["level"],
        item["state_reason"],
        *(item[name] for name in FIELDS if name.startswith("carries_")),
    ]


def _differences(item: Item, review: Review) -> list[tuple[str, datetime | None]]:
    found: list[tuple[str, datetime | None]] = []
    if item["pk"] in review.added:
        found.append(("not in the population at launch", None))
    gone = gone_at(item, review)
    if item["at_close"] == AtClose.CHANGED:
        found.append(("changed since it was frozen", None))
    if item["at_close"] == AtClose.GONE or gone is not None:
        found.append(("in the source at launch, gone at close", gone))
    return found
