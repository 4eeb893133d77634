"""What happened to a closed campaign after its package: facts that never change the package."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from apps.evidence.content.files import Files
from apps.evidence.content.orders import Orders, write_orders
from apps.evidence.content.readme import write_addendum_readme
from apps.evidence.content.record import entries_between, write_record
from apps.evidence.content.review import Review
from apps.evidence.content.sources import SOURCES
from apps.evidence.models import Addendum


def write_addendum(files: Files, review: Review, addendum: Addendum) -> dict[str, Any]:
    """Write the late facts, and name the package that they add to by its manifest."""
    after, until = addendum.facts["after"], addendum.facts["until"]
    unseen_by = addendum.facts.get("unseen_by")
    late = entries_between(review.campaign, after=after, until=until, unseen_by=unseen_by)
    write_record(files, late)
    write_orders(files, Orders(replace(review, until=datetime.fromisoformat(until))))
    with files.csv("data/sources.csv", "Sources", SOURCES):
        pass
    facts = {
        "package": review.package,
        "number": addendum.number,
        "status": files.status,
        "counts": dict(sorted(files.counts.items())),
        "campaign": review.campaign.pk,
        "name": review.campaign.name,
        "text": addendum.text,
        "after": after,
        "until": until,
        "adds_to_manifest_sha256": addendum.facts["adds_to_manifest_sha256"],
        "follows_manifest_sha256": addendum.facts["follows_manifest_sha256"],
    }
    files.json("data/addendum.json", "The addendum, and what it adds to", facts)
    write_addendum_readme(files, review, facts)
    return facts
