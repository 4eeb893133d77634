"""Which logs of which systems are read, and how."""

from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.activity.formats.generic import problems
from apps.activity.models import Stream
from apps.activity.policies import can_bring_logs, can_end_log, can_resume_log
from apps.activity.states import LogFormat
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.inventory.models import System
from apps.inventory.services.reasons import required_reason
from apps.inventory.services.systems import system_log_disconnect


@transaction.atomic
def stream_add(
    *, system: System, log_format: str, actor: Actor, mapping: Mapping[str, str] | None = None
) -> Stream:
    """Note that a system has a log of a format. Nothing of it is known yet."""
    enforce(can_bring_logs(actor))
    if log_format not in LogFormat.values:
        raise DomainError(f"{log_format} is none of {', '.join(LogFormat.values)}.")
    mapped = _mapping(log_format, mapping)
    try:
        with transaction.atomic():
            stream = Stream.objects.create(
                system=system,
                log_format=log_format,
                mapping=mapped,
                made_by=actor.user if isinstance(actor, Person) else None,
            )
    except IntegrityError as error:
        raise DomainError("This log of this system is here already.") from error
    changes = {
        "system": (None, str(system)),
        "format": (None, log_format),
        "mapping": (None, mapped),
    }
    record(actor=actor, verb=Verb.LOG_ADDED, target=stream, changes=changes)
    return stream


@transaction.atomic
def stream_change(*, stream_id: int, mapping: Mapping[str, str], actor: Actor) -> Stream:
    """Map a log's records anew. What was read stays as it was read."""
    enforce(can_bring_logs(actor))
    stream = Stream.objects.locked(stream_id)
    mapped = _mapping(stream.log_format, mapping)
    if mapped != stream.mapping:
        changes = {"mapping": (stream.mapping, mapped)}
        stream.mapping = mapped
        stream.save(update_fields=["mapping"])
        record(actor=actor, verb=Verb.LOG_CHANGED, target=stream, changes=changes)
    return stream


@transaction.atomic
def stream_end(*, stream_id: int, reason: str, actor: Actor) -> Stream:
    """Say that nothing more of a log comes: its system is gone, or records elsewhere now.

    What was read stays, and is complete as far as it was. After that it is not known what happened
    there, unless another log of the system is read.
    """
    stream = Stream.objects.locked(stream_id)
    enforce(can_end_log(actor, stream))
    stream.ended_at = timezone.now()
    stream.ended_by = actor.user if isinstance(actor, Person) else None
    stream.ended_because = required_reason(reason, "it ends")
    stream.save(update_fields=["ended_at", "ended_by", "ended_because"])
    record(
        actor=actor,
        verb=Verb.LOG_ENDED,
        target=stream,
        changes={"ended_at": (None, stream.ended_at.isoformat())},
        reason=stream.ended_because,
    )
    if not Stream.objects.going_on().filter(system=stream.system_id).exists():
        system_log_disconnect(system_id=stream.system_id, actor=actor)
    return stream


@transaction.atomic
def stream_resume(*, stream_id: int, reason: str, actor: Actor) -> Stream:
    """Take a log up again that was said to have ended. Read it for it to count as connected."""
    stream = Stream.objects.locked(stream_id)
    enforce(can_resume_log(actor, stream))
    text = required_reason(reason, "it is taken up again")
    changes = {"ended_at": (stream.ended_at and stream.ended_at.isoformat(), None)}
    stream.ended_at, stream.ended_by, stream.ended_because = None, None, ""
    stream.save(update_fields=["ended_at", "ended_by", "ended_because"])
    record(actor=actor, verb=Verb.LOG_RESUMED, target=stream, changes=changes, reason=text)
    return stream


def _mapping(log_format: str, mapping: Mapping[str, str] | None) -> dict[str, str]:
    if log_format != LogFormat.GENERIC:
        return {}
    mapped = {name.strip(): str(path).strip() for name, path in (mapping or {}).items()}
    if wrong := problems(mapped):
        raise DomainError(" ".join(wrong), field="mapping")
    return mapped
