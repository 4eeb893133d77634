"""Which logs of which systems are read, and how."""

from collections.abc import Mapping

from django.db import IntegrityError, transaction

from apps.activity.formats.generic import problems
from apps.activity.models import Stream
from apps.activity.policies import can_bring_logs
from apps.activity.states import LogFormat
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.inventory.models import System


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


def _mapping(log_format: str, mapping: Mapping[str, str] | None) -> dict[str, str]:
    if log_format != LogFormat.GENERIC:
        return {}
    mapped = {name.strip(): str(path).strip() for name, path in (mapping or {}).items()}
    if wrong := problems(mapped):
        raise DomainError(" ".join(wrong), field="mapping")
    return mapped
