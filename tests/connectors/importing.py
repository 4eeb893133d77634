"""Bring files in as the command does, without the command."""

import json
from pathlib import Path
from typing import Any

from apps.connectors.models import Sync
from apps.connectors.services.applying import sync_apply, sync_preview
from apps.connectors.services.reading import sync_open, sync_read
from apps.core.actors import Actor, Channel, System
from apps.inventory.models import Source

COMMAND = System("inventory_import", Channel.COMMAND)


def read(
    path: Path, format_name: str, *, actor: Actor = COMMAND, stream: str = "", command: str = ""
) -> Sync:
    sync = sync_open(
        path=path, format_name=format_name, actor=actor, stream=stream, command=command
    )
    return sync_read(sync_id=sync.pk)


def bring(path: Path, format_name: str, *, actor: Actor = COMMAND, **options: str) -> Source:
    sync = read(path, format_name, actor=actor, **options)
    return sync_apply(sync_id=sync.pk, actor=actor)


def preview(path: Path, format_name: str, *, actor: Actor = COMMAND) -> dict[str, Any]:
    sync = read(path, format_name, actor=actor)
    return sync_preview(sync_id=sync.pk, actor=actor).report


def written(tmp_path: Path, content: Any, name: str = "inventory.json") -> Path:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def told(source: Source) -> dict[str, str]:
    """The counts of a source that are not zero, as words."""
    return {
        kind: ", ".join(f"{count} {word}" for word, count in counts.items() if count)
        for kind, counts in source.changes.items()
    }
