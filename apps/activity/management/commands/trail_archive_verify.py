from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.activity.archives import BROKEN, MANIFEST, broken_told
from apps.activity.services.archive_checks import archive_check
from apps.proof.models import Log


class Command(BaseCommand):
    help = (
        "Check an archived month: every file is the one its manifest names, every line is its leaf"
        " in the log, the log is the one that was signed, and all words are those that were sealed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the month's folder, or its manifest.json")

    def handle(self, *, file: Path, **options: Any) -> None:
        folder = file.parent if file.name == MANIFEST else file
        try:
            told = archive_check(folder)
        except (*BROKEN, Log.DoesNotExist) as error:
            raise CommandError(f"DOES NOT HOLD: {broken_told(error)}") from error
        self.stdout.write(
            f"{told.month}: {told.records} records are what was sealed, proven against checkpoint"
            f" {told.size}. The words of {told.payloads} are whole, of {told.erased} erased."
        )
        if not told.is_known:
            self.stdout.write("This database has no note of this archive, or of another digest.")
