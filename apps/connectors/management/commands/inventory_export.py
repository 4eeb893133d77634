from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.connectors.services.exporting import inventory_export
from apps.core.actors import Channel, System
from apps.core.errors import DomainError


class Command(BaseCommand):
    help = "Write the inventory as one document that inventory_import reads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=["json"], default="json")
        parser.add_argument("--identity", default="", help="Only what concerns this identity.")
        parser.add_argument("--out", type=Path, help="A file instead of standard output.")

    def handle(self, **options: Any) -> None:
        actor = System("inventory_export", Channel.COMMAND)
        try:
            pieces = inventory_export(actor=actor, identity=options["identity"])
        except DomainError as error:
            raise CommandError(str(error)) from error
        if options["out"] is None:
            for piece in pieces:
                self.stdout.write(piece, ending="")
            return
        with options["out"].open("w", encoding="utf-8") as file:
            file.writelines(pieces)
