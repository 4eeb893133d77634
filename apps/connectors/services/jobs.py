"""Readings as background work: what a person starts in the browser."""

from pathlib import Path

from django.db import transaction

from apps.connectors.models import Sync
from apps.connectors.policies import can_apply
from apps.connectors.services.reading import sync_open
from apps.connectors.states import SyncStatus
from apps.core.actors import Actor
from apps.core.jobs import job_start
from apps.core.policies import enforce


@transaction.atomic
def sync_upload(
    *,
    path: Path,
    format_name: str,
    file_name: str,
    actor: Actor,
    stream: str = "",
    command: str = "",
) -> Sync:
    """Take in an uploaded file and have it read in the background."""
    sync = sync_open(
        path=path,
        format_name=format_name,
        actor=actor,
        file_name=file_name,
        stream=stream,
        command=command,
    )
    job_start(kind="connectors.read", task="connectors.read_sync", subject=sync, actor=actor)
    return sync


@transaction.atomic
def sync_confirm(*, sync_id: int, actor: Actor) -> Sync:
    """Have a reading applied in the background. A second confirmation is refused."""
    sync = Sync.objects.locked(sync_id)
    enforce(can_apply(actor, sync))
    sync.status = SyncStatus.APPLYING
    sync.save(update_fields=["status"])
    job_start(
        kind="connectors.apply",
        task="connectors.apply_sync",
        subject=sync,
        actor=actor,
        total=sync.rows.count(),
    )
    return sync


def sync_unconfirm(*, sync_id: int) -> None:
    """Give a reading that could not be applied back to the person who confirmed it."""
    Sync.objects.filter(pk=sync_id, status=SyncStatus.APPLYING).update(status=SyncStatus.READY)
