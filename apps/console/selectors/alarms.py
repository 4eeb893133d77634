"""Whether the record is still what was sealed, for home and the page of the logs."""

from datetime import datetime

from apps.audit.selectors import is_log_missing
from apps.proof.models import Watch

MISSING = (
    "The record has entries, and the log that seals them is not there, or began after them and"
    " was never signed. Either the sealer never ran before, or somebody who owns the database took"
    " the log away."
)


def record_alarm(now: datetime) -> str:
    """What is wrong with the logs, in a sentence; empty where nothing is known to be."""
    watch = Watch.objects.in_trouble().of_what_is_sealed().order_by("trouble_since", "pk").first()
    if watch is not None:
        return watch.trouble
    return MISSING if is_log_missing(now) else ""
