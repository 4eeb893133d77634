"""What times of a system's log are here without a gap."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from apps.activity.models import Stream

# Systems write no file for a time without calls: pieces so close to one another are one.
CLOSE = timedelta(minutes=15)
# Older pieces that nothing joined are let go of beyond so many.
MOST_PIECES = 500

type Span = tuple[datetime, datetime]


def stream_cover(stream: Stream, spans: Iterable[Span]) -> None:
    """Add times of which everything is here; the caller holds the row, and saves it.

    The newest time without a gap is what counts as complete: what lies before a gap still is known,
    but "never" cannot be said across it.
    """
    now = timezone.now()
    added = [(start, min(end, now)) for start, end in spans if start <= now]
    if not added:
        return
    joined = joined_spans([*spans_of(stream.covered), *added])[-MOST_PIECES:]
    stream.covered = [[start.isoformat(), end.isoformat()] for start, end in joined]
    stream.complete_from, stream.complete_until = joined[-1]


def spans_of(covered: Iterable[Sequence[str]]) -> list[Span]:
    """The times that a log's row holds as covered."""
    return [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in covered]


def joined_spans(spans: Iterable[Span]) -> list[Span]:
    """Join what overlaps or lies close; oldest first."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1] + CLOSE:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined
