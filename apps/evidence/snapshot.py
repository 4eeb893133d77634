"""Reading for a long time as if no time passed, while still saying how far one has come."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from django.db import connection, transaction

from apps.core.models import Job

SECONDS_BETWEEN_TICKS = 2.0


@contextmanager
def snapshot() -> Iterator[str | None]:
    """Run queries against one state of the database; nothing may be written in here.

    Yields PostgreSQL's own name of that state, by which it can be told later what was not in it.
    Within a caller's transaction that one's isolation holds, and there is no such name.
    """
    nested, seen = connection.in_atomic_block, None
    with transaction.atomic():
        if not nested:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                cursor.execute("SELECT pg_current_snapshot()::text")
                seen = cursor.fetchone()[0]
        yield seen


class Progress:
    """A job's heartbeat over a connection of its own, seen by others during a snapshot."""

    def __init__(self, job: Job | None):
        self.job = job
        self.said_at = 0.0
        self.connection = connection.copy() if job is not None else None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        if self.connection is not None:
            self.connection.close()

    def tick(self, done: int, message: str) -> None:
        if (
            self.connection is None
            or self.job is None
            or monotonic() - self.said_at < SECONDS_BETWEEN_TICKS
        ):
            return
        self.said_at = monotonic()
        with self.connection.cursor() as cursor:
            cursor.execute(
                "UPDATE core_job SET done = %s, message = %s, heartbeat_at = now() WHERE id = %s",
                [done, message, self.job.pk],
            )
