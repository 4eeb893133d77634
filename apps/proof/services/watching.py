"""What watchers say of a log, for pages and findings."""

from datetime import datetime
from typing import Any

from django.db.models.functions import Coalesce

from apps.proof.models import Log, Watch
from apps.proof.states import WatchKind


def watch_of(log: Log, kind: WatchKind) -> Watch:
    return Watch.objects.get_or_create(log=log, kind=kind)[0]


def watch_looked(log: Log, kind: WatchKind, *, now: datetime, **also: Any) -> None:
    """The watcher looked; what else it says is kept, and trouble stays until it is cleared."""
    watch = watch_of(log, kind)
    Watch.objects.filter(pk=watch.pk).update(looked_at=now, **also)


def watch_cleared(log: Log, kind: WatchKind) -> None:
    Watch.objects.in_trouble().filter(log=log, kind=kind).update(trouble="", trouble_since=None)


def watch_troubled(log: Log, kind: WatchKind, *, said: str, now: datetime) -> None:
    """Keep what is wrong, and since when; the first thing said of a trouble stays."""
    watch = watch_of(log, kind)
    Watch.objects.filter(pk=watch.pk).update(
        looked_at=now,
        trouble=watch.trouble or said,
        trouble_since=Coalesce("trouble_since", now),
    )
