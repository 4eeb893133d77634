"""What a connection reads: part by part, each a source of its own, so that one part's failure
keeps what the others brought."""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from apps.connectors.adapters.contract import UnreadableSource
from apps.connectors.adapters.live import Adapter, Part, ProviderError
from apps.connectors.errors import SourceRefused
from apps.connectors.models import Connection, Reading, Sync
from apps.connectors.services.adapters import adapter_of
from apps.connectors.services.applying import sync_apply
from apps.connectors.services.connections import connection_read, note_problem
from apps.connectors.services.reading import sync_refuse, sync_stage
from apps.connectors.states import ReadingStatus
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.models import Job
from apps.core.references import ReferenceRefused
from apps.inventory.models import Source

type Told = Callable[[int, int, str], None]


def connection_discover(*, job: Job, actor: Actor, told: Told) -> str:
    """Read every part of a connection, and say in a sentence what came and what did not.

    A part that was read before the worker died is not read again. `told(done, total, message)`
    is called before each part. Raises `DomainError` where nothing at all can be had.
    """
    connection = Connection.objects.get(pk=job.subject_id or 0)
    try:
        adapter = adapter_of(connection)
        parts = list(adapter.parts())
    except (ProviderError, DomainError) as error:
        _keep_health(connection, [str(error)])
        raise DomainError(str(error)) from error
    for done, part in enumerate(parts):
        told(done, len(parts), f"Reading {part.title}")
        _read_once(connection, adapter, part, job, actor)
    readings = list(Reading.objects.of_job(job))
    missing = [reading for reading in readings if reading.status == ReadingStatus.FAILED]
    _keep_health(connection, [f"{one.title}: {one.said}" for one in missing])
    if not missing:
        return f"Read {len(readings)} parts."
    names = ", ".join(reading.title for reading in missing)
    return f"Read {len(readings) - len(missing)} of {len(readings)} parts. Missing: {names}."


def connections_read_due(*, actor: Actor) -> int:
    """Start the reading of every connection whose time has come. Returns how many."""
    due = Connection.objects.due_at(timezone.now()).values_list("pk", flat=True)
    return len([connection_read(connection_id=pk, actor=actor) for pk in due])


def _read_once(
    connection: Connection, adapter: Adapter, part: Part, job: Job, actor: Actor
) -> None:
    reading, _ = Reading.objects.get_or_create(
        connection=connection, job_id=job.pk, part=part.key, defaults={"title": part.title}
    )
    if reading.status == ReadingStatus.READ:
        return
    try:
        source = _brought(connection, adapter, part, actor)
    except (ProviderError, ReferenceRefused, SourceRefused) as error:
        _end(reading, ReadingStatus.FAILED, said=str(error))
    else:
        _end(reading, ReadingStatus.READ, source=source)


def _brought(connection: Connection, adapter: Adapter, part: Part, actor: Actor) -> Source:
    sync = Sync.objects.create(
        connection=connection,
        format=connection.kind,
        file_name=part.title[:200],
        brought_by=actor.user if isinstance(actor, Person) else None,
        brought_by_label=str(actor)[:150],
        channel=actor.channel,
    )
    try:
        sync_stage(sync=sync, rows=adapter.discover(part))
    except (ProviderError, ReferenceRefused) as error:
        sync_refuse(sync=sync, refused=SourceRefused(file=part.title, where="", reason=str(error)))
        raise
    except UnreadableSource as error:
        refused = SourceRefused.of(error)
        sync_refuse(sync=sync, refused=refused)
        raise refused from error
    return sync_apply(sync_id=sync.pk, actor=actor)


def _end(
    reading: Reading, status: ReadingStatus, *, said: str = "", source: Source | None = None
) -> None:
    reading.status, reading.said, reading.source = status, said, source
    reading.finished_at = timezone.now()
    reading.save(update_fields=["status", "said", "source", "finished_at"])


def _keep_health(connection: Connection, problems: list[str]) -> None:
    now = timezone.now()
    note_problem(connection, " ".join(problems), now)
    connection.next_reading_at = now + timedelta(minutes=connection.every_minutes)
    connection.save(update_fields=["problem", "failing_since", "worked_at", "next_reading_at"])
