import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import User
from apps.connectors.adapters.formats import FORMATS
from apps.connectors.models import Sync
from apps.connectors.services.applying import sync_apply, sync_preview
from apps.connectors.services.reading import sync_open, sync_read
from apps.core.actors import Actor, Channel, Person, System
from apps.core.errors import DomainError

WORDS = ("new", "changed", "gone", "back", "same")


class Command(BaseCommand):
    help = "Bring in an inventory: what identities exist, and what they may do."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("format", choices=sorted(FORMATS))
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="Say what would change.")
        parser.add_argument("--json", action="store_true", help="Answer in JSON.")
        parser.add_argument(
            "--stream", default="", help="Name the list; the next file of that name replaces it."
        )
        parser.add_argument(
            "--made-by", default="", help="The command and arguments that made the file."
        )
        parser.add_argument("--by", default="", help="Mail address of the steward who brings it.")

    def handle(self, **options: Any) -> None:
        sync = None
        try:
            actor = _actor(options["by"])
            sync = sync_open(
                path=options["file"],
                format_name=options["format"],
                actor=actor,
                stream=options["stream"],
                command=options["made_by"] or f"manage.py {' '.join(sys.argv[1:])}",
            )
            sync_read(sync_id=sync.pk)
            act = sync_preview if options["dry_run"] else sync_apply
            act(sync_id=sync.pk, actor=actor)
            sync.refresh_from_db()
        except DomainError as error:
            _forget(sync)
            raise CommandError(str(error)) from error
        self._tell(sync, as_json=options["json"], dry_run=options["dry_run"])
        if options["dry_run"]:
            _forget(sync)

    def _tell(self, sync: Sync, *, as_json: bool, dry_run: bool) -> None:
        told = _told(sync, dry_run=dry_run)
        if as_json:
            self.stdout.write(json.dumps(told, indent=2))
            return
        would = "would be " if dry_run else ""
        for kind, counts in told["changes"].items():
            said = ", ".join(f"{counts[word]} {would}{word}" for word in WORDS if counts[word])
            self.stdout.write(f"{kind}: {said or 'nothing'}")
        for one in told["rejected_entries"]:
            self.stdout.write(self.style.WARNING(f"{one['path']}: {one['reason']}"))
        for note in told["notes"]:
            self.stdout.write(note)
        self.stdout.write(
            self.style.SUCCESS(
                f"{told['read']} read, {told['accepted']} accepted, {told['rejected']} rejected"
                + ("; nothing was written" if dry_run else f"; source {told['source']}")
            )
        )


def _actor(address: str) -> Actor:
    if not address:
        return System("inventory_import", Channel.COMMAND)
    user = User.objects.active().filter(email__iexact=address).first()
    if user is None:
        raise DomainError(f"Nobody active here has the address {address}.")
    return Person(user, Channel.COMMAND)


def _told(sync: Sync, *, dry_run: bool) -> dict[str, Any]:
    report = sync.report
    rejected = min(sync.read_count, sync.rejected_count + report["rejected_count"])
    return {
        "dry_run": dry_run,
        "format": sync.format,
        "file": sync.file_name,
        "sha256": sync.raw_sha256,
        "stream": sync.header["stream"],
        "account": sync.header["account"],
        "provider_time": sync.header["provider_at"],
        "source": sync.source_id,
        "independently_obtained": False,
        "read": sync.read_count,
        "accepted": sync.read_count - rejected,
        "rejected": rejected,
        "rejected_entries": [*sync.rejected, *report["rejected"]],
        "notes": report["notes"],
        "changes": {
            kind: {word: counts[word] for word in WORDS} for kind, counts in report["kinds"].items()
        },
    }


def _forget(sync: Sync | None) -> None:
    """Leave no trace of a reading that was never applied: nothing was written by it."""
    if sync is not None:
        Sync.objects.filter(pk=sync.pk, source=None).delete()
