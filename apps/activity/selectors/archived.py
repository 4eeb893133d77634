"""Records that left the database: found in the files of the archive, for who may see them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.activity.archives import Folder, is_in
from apps.activity.headers import moment_of
from apps.activity.models import Archive, Event, Nameless
from apps.activity.querysets.seats import is_in_period_of
from apps.activity.saying import header_said
from apps.activity.states import Kind
from apps.core.actors import Actor
from apps.inventory.models import Agent
from apps.inventory.querysets.scope import reads_all_systems
from apps.proof.models import Log


@dataclass(frozen=True, slots=True)
class Subject:
    """One record, wherever it lies; `archive` where that is in files alone."""

    log_id: int
    leaf: int
    recorded_at: datetime
    header: dict[str, Any]
    archive: Archive | None


def archive_folder(archive: Archive) -> Folder:
    return Folder(Path(settings.TRAIL_ARCHIVE_DIR) / archive.folder)


def part_of(told: Mapping[str, Any], leaf: int) -> dict[str, Any]:
    """The part of an archive that holds a leaf."""
    return next(part for part in told["parts"] if is_in(part["ranges"], leaf))


def archive_of(log_id: int, leaf: int) -> Archive | None:
    """The archive that holds a record, whether or not the database does as well."""
    return next((a for a in Archive.objects.filter(log_id=log_id) if a.holds(leaf)), None)


def subject_of(log_id: int, leaf: int) -> Subject | None:
    """The record at a place of the log, read from the archive where it is there alone."""
    event = Event.objects.at(log_id, [leaf]).first()
    if event is not None:
        return Subject(log_id, leaf, event.recorded_at, header_said(event.header), None)
    archive = archive_of(log_id, leaf)
    if archive is None:
        return None
    folder = archive_folder(archive)
    part = part_of(folder.manifest(), leaf)
    header = next((line for at, line in folder.headers(part) if at == leaf), None)
    if header is None:
        return None
    told = header_said(header)
    recorded = told.get("recorded")
    begun = datetime.combine(archive.month, time(), UTC)
    at = datetime.fromisoformat(recorded) if recorded else begun
    return Subject(log_id, leaf, at, told, archive)


def subject_visible(leaf: int, actor: Actor) -> Subject | None:
    """A record for a reader who may see it; None if there is none such for them."""
    log = Log.objects.filter(name="activity").first()
    if log is None or leaf >= log.size:
        return None
    here = Event.objects.at(log.pk, [leaf])
    if here.exists():
        return subject_of(log.pk, leaf) if here.visible_to(actor).exists() else None
    subject = subject_of(log.pk, leaf)
    return subject if subject and _sees(subject, actor) else None


def _sees(subject: Subject, actor: Actor) -> bool:
    """Of what systems recorded, who does not read everything sees nothing in the archive."""
    if not is_in_period_of(actor, _happened(subject)):
        return False
    if reads_all_systems(actor):
        return True
    told = subject.header.get("kind") != Kind.API
    return told and Agent.objects.visible_to(actor).filter(pk=agent_of(subject) or 0).exists()


def agent_of(subject: Subject) -> int | None:
    """Whose it is: its header's word, else what was found by its run."""
    said: int | None = subject.header.get("whose", {}).get("agent_id")
    if said:
        return said
    known = Nameless.objects.filter(log_id=subject.log_id, leaf_index=subject.leaf)
    return known.values_list("agent_id", flat=True).first()


def _happened(subject: Subject) -> datetime:
    said = subject.header.get("happened")
    return moment_of(said, subject.recorded_at) if isinstance(said, int) else subject.recorded_at
