from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.activity.formats import airline
from apps.activity.services.runs import runs_import
from apps.core.actors import Channel, System

SHOWN = 20


class Command(BaseCommand):
    help = "Bring in published runs of the airline agent as invocations."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="JSON lines, plain or gzip: one run each.")

    def handle(self, **options: Any) -> None:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no such file: {path}.")
        actor = System("trail_import_runs", Channel.COMMAND)
        with path.open("rb") as file:
            report = runs_import(name=path.name, found=airline.readings(file), actor=actor)
        for one in report.unreadable[:SHOWN]:
            self.stdout.write(self.style.WARNING(f"{path.name}, line {one.line}: {one.message}"))
        if report.unknown:
            named = ", ".join(sorted(report.unknown))
            self.stdout.write(f"No agent here is called {named}: kept under an unknown agent.")
        self.stdout.write(
            f"{report.runs:,} runs kept with {report.records:,} records,"
            f" {report.repeated:,} were here already, {len(report.unreadable):,} could not be read"
        )
        if report.unreadable and not report.runs and not report.repeated:
            raise CommandError(f"{path.name}: nothing of it could be read.")
