"""Systems' logs by connection: from when on, read when due and on demand, whole up to where."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from apps.activity.formats.archives import Piece
from apps.activity.models import LogImport, Stream
from apps.activity.services.keeping import Stopped
from apps.activity.services.logs import import_fail, import_open, import_run
from apps.activity.services.streams import stream_end
from apps.activity.states import ImportWay
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.connectors import policies
from apps.connectors.adapters.live import Adapter, Capability, ProviderError
from apps.connectors.adapters.log_parts import LogPart
from apps.connectors.adapters.registry import adapter_class
from apps.connectors.models import Connection, LogSource
from apps.connectors.services.adapters import adapter_of
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.jobs import job_start, jobs_of
from apps.core.models import Job
from apps.core.policies import enforce
from apps.core.references import ReferenceRefused

type Told = Callable[[LogImport], None]

FARTHEST = timedelta(days=90)
STOPPED = "The worker stopped halfway. What it kept stays, and the next reading goes on from there."


def connections_for(stream: Stream) -> list[Connection]:
    """Connections that could read this log and do not yet."""
    account = "" if stream.ended_at else stream.system.account
    rows = Connection.objects.reading().filter(accounts__contains=[account]).order_by("pk")
    taken = LogSource.objects.standing().of_stream(stream.pk).values("connection")
    return [one for one in rows.exclude(pk__in=taken) if account and _can(one, stream)]


@transaction.atomic
def log_source_add(
    *, stream: Stream, connection_id: int, since: datetime, actor: Actor
) -> LogSource:
    """Have a connection read a system's log from a time on, at once and whenever it is due."""
    connection = Connection.objects.locked(connection_id)
    enforce(policies.can_read_now(actor, connection))
    # Held, so that it does not end meanwhile, with this connection left to read it.
    stream = Stream.objects.select_related("system").locked(stream.pk)
    if stream.ended_at is not None:
        raise DomainError("This log has ended. Take it up again first.")
    if not _can(connection, stream):
        raise DomainError("This connection cannot read this log.")
    if stream.system.account not in connection.accounts:
        raise DomainError(f"This connection does not speak for {stream.system.account}.")
    if not timezone.now() - FARTHEST - timedelta(days=1) <= since <= timezone.now():
        raise DomainError("Begin within the last 90 days.", field="since")
    source, _ = LogSource.objects.update_or_create(
        connection=connection,
        stream=stream,
        defaults={
            "since": since,
            "cursors": {},
            "stopped_at": None,
            "added_by": actor.user if isinstance(actor, Person) else None,
        },
    )
    changes = {"connection": (None, str(connection)), "since": (None, since.isoformat())}
    record(actor=actor, verb=Verb.LOG_SOURCE_ADDED, target=source, changes=changes)
    log_source_read(source_id=source.pk, actor=actor)
    return source


@transaction.atomic
def log_source_stop(*, source_id: int, actor: Actor) -> LogSource:
    """Have a connection read a log no more. What it read stays; its end then stands still."""
    source = LogSource.objects.locked(source_id)
    enforce(policies.can_connect(actor))
    if source.stopped_at is None:
        source.stopped_at, source.next_reading_at = timezone.now(), None
        source.save(update_fields=["stopped_at", "next_reading_at"])
        record(
            actor=actor,
            verb=Verb.LOG_SOURCE_STOPPED,
            target=source,
            changes={"stopped_at": (None, source.stopped_at.isoformat())},
        )
    return source


@transaction.atomic
def log_end(*, stream_id: int, reason: str, actor: Actor) -> Stream:
    """Say that a log has ended, and have no connection read it any more."""
    Stream.objects.locked(stream_id)  # so that no connection is added meanwhile
    standing = LogSource.objects.standing().of_stream(stream_id).order_by("pk")
    for pk in standing.values_list("pk", flat=True):
        log_source_stop(source_id=pk, actor=actor)
    return stream_end(stream_id=stream_id, reason=reason, actor=actor)


@transaction.atomic
def log_source_read(*, source_id: int, actor: Actor) -> Job:
    """Have a log read now, in the background. One reading at a time."""
    source = LogSource.objects.locked(source_id)
    enforce(policies.can_read_now(actor, source.connection))
    if source.stopped_at is not None:
        raise DomainError("It was stopped. Add it again.")
    running = jobs_of(source).filter(status__in=("queued", "running")).first()
    source.next_reading_at = timezone.now() + timedelta(minutes=source.connection.every_minutes)
    source.save(update_fields=["next_reading_at"])
    return running or job_start(
        kind="connectors.read_log", task="connectors.read_log", subject=source, actor=actor
    )


def log_sources_read_due(*, actor: Actor) -> int:
    """Start the reading of every log whose time has come. Returns how many."""
    due = LogSource.objects.due_at(timezone.now()).values_list("pk", flat=True)
    return len([log_source_read(source_id=pk, actor=actor) for pk in due])


def log_source_run(*, source_id: int, actor: Actor, told: Told) -> LogImport:
    """Read what a log recorded since the last time. Raises `DomainError` where nothing can be had.

    A part that fails is named among what could not be read; the others are kept. What is complete
    ends where the part that came least far ended.
    """
    source = LogSource.objects.select_related("connection", "stream__system").get(pk=source_id)
    _end_halfway(source)
    try:
        adapter = adapter_of(source.connection)
        account = source.stream.system.account
        parts = [one for one in adapter.log_parts() if one.account == account]
    except (ProviderError, ReferenceRefused, DomainError) as error:
        _keep(source, problem=str(error))
        raise DomainError(str(error)) from error
    reading = _Reading(source, adapter, parts)

    def committed(held: LogImport) -> None:
        reading.keep_cursors()
        told(held)

    held = import_open(
        stream=source.stream,
        way=ImportWay.CONNECTION,
        name=f"{source.connection}, {timezone.now():%Y-%m-%d %H:%M} UTC",
        actor=actor,
    )
    try:
        held = import_run(log_import=held, pieces=reading.pieces(), actor=actor, told=committed)
    except Stopped as error:
        _keep(source, problem=str(error))
        raise
    reading.keep_cursors()
    if held.unreadable > len(reading.problems):
        source.since = reading.reached  # what could not be read is missing for good: begin anew
    _keep(source, problem=" ".join(reading.problems))
    return held


class _Reading:
    """One turn of reading a log's parts, each from where it was."""

    def __init__(self, source: LogSource, adapter: Adapter, parts: list[LogPart]):
        self.source, self.adapter, self.parts = source, adapter, parts
        self.until = {key: datetime.fromisoformat(told) for key, told in source.cursors.items()}
        self.problems: list[str] = []

    def pieces(self) -> Iterator[Piece]:
        now = timezone.now()
        for part in self.parts:
            yield from self._part(part, now)
        if self.reached > self.source.since:
            yield Piece("What is complete", covers=(self.source.since, self.reached))

    @property
    def reached(self) -> datetime:
        """Until when everything of all parts is here."""
        return min((self._since(part) for part in self.parts), default=self.source.since)

    def keep_cursors(self) -> None:
        """Note how far each part came. Whatever lies before is committed."""
        self.source.cursors = {key: at.isoformat() for key, at in self.until.items()}
        self.source.save(update_fields=["cursors"])

    def _part(self, part: LogPart, now: datetime) -> Iterator[Piece]:
        try:
            for one in self.adapter.log_read(part, since=self._since(part), now=now):
                yield Piece(one.name, one.file, is_part=True)
                if one.until is not None:
                    self.until[part.key] = one.until
        except (ProviderError, ReferenceRefused) as error:
            self.problems.append(f"{part.title}: {error}")
            yield Piece(part.title, problem=f"It could not be read to its end: {error}")

    def _since(self, part: LogPart) -> datetime:
        return max(self.source.since, self.until.get(part.key, self.source.since))


def _can(connection: Connection, stream: Stream) -> bool:
    adapter = adapter_class(connection.kind)
    return Capability.WHOLE_LOG in adapter.capabilities and adapter.log_format == stream.log_format


def _end_halfway(source: LogSource) -> None:
    running = LogImport.objects.running().filter(stream=source.stream, way=ImportWay.CONNECTION)
    for one in running:
        import_fail(log_import=one, said=STOPPED)


def _keep(source: LogSource, *, problem: str) -> None:
    now = timezone.now()
    source.problem = problem
    if problem:
        source.failing_since = source.failing_since or now
    else:
        source.failing_since, source.worked_at = None, now
    source.save(update_fields=["since", "problem", "failing_since", "worked_at"])
