"""From when on it is said that nobody explains a call, or that no log shows a deed."""

from datetime import datetime, timedelta

from apps.core.preferences import preference


def settled_before(now: datetime, *, hours: int | None = None) -> datetime:
    """What happened before this is old enough to be judged: no late batch is waited for.

    A whole hour, so that figures by the hour and lists of single records hold the same. `hours` is
    how long is waited, where the caller read that already.
    """
    settled = now - timedelta(hours=preference("settling_hours") if hours is None else hours)
    return settled.replace(minute=0, second=0, microsecond=0)


def judged_since(now: datetime, *, days: int | None = None) -> datetime:
    """From when on what agents did is judged: a whole hour."""
    since = now - timedelta(days=preference("explained_days") if days is None else days)
    return since.replace(minute=0, second=0, microsecond=0)
