"""Say that a long transaction lives: its own writes cannot be seen before it commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from django.db import connection
from django.utils import timezone

from apps.core.models import Job

EVERY_SECONDS = 15


class Pulse:
    """How far the work is; called by the work, told by the thread."""

    def __init__(self, job: Job):
        self.job = job
        self.done = 0
        self.over = Event()

    def __call__(self, done: int) -> None:
        self.done = done

    def beat(self) -> None:
        try:
            while not self.over.wait(EVERY_SECONDS):
                Job.objects.filter(pk=self.job.pk).update(
                    heartbeat_at=timezone.now(), done=self.done
                )
        finally:
            connection.close()


@contextmanager
def pulse(job: Job) -> Iterator[Pulse]:
    """Keep a job's heartbeat from a connection of its own while the block runs."""
    held = Pulse(job)
    thread = Thread(target=held.beat, daemon=True)
    thread.start()
    try:
        yield held
    finally:
        held.over.set()
        thread.join()
