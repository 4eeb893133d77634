import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import User
from apps.activity.formats.archives import Piece, pieces_of
from apps.activity.models import LogImport, Stream
from apps.activity.services.logs import import_fail, import_open, import_run, imports_end_silent
from apps.activity.services.streams import stream_add
from apps.activity.states import ImportStatus, ImportWay, LogFormat
from apps.core.actors import Actor, Channel, Person
from apps.core.actors import System as Countersign
from apps.core.errors import DomainError
from apps.inventory.models import System


class Command(BaseCommand):
    help = "Bring in what a system recorded: its log, from files."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, help="Plain, gzip, or zip.")
        parser.add_argument("--system", required=True, help="The name of the system.")
        parser.add_argument("--format", required=True, choices=LogFormat.values)
        parser.add_argument(
            "--mapping", type=Path, help="JSON file from our fields to paths (generic alone)."
        )
        parser.add_argument(
            "--whole",
            action="store_true",
            help="Nothing was left out of them: from first to last record all that happened.",
        )
        parser.add_argument("--json", action="store_true", help="Answer in JSON.")
        parser.add_argument("--by", default="", help="Mail address of the steward who brings it.")

    def handle(self, **options: Any) -> None:
        files: list[Path] = options["files"]
        if missing := [str(path) for path in files if not path.is_file()]:
            raise CommandError(f"There is no such file: {', '.join(missing[:5])}.")
        try:
            actor = _actor(options["by"])
            stream = _stream(options, actor)
            imports_end_silent(stream)
            more = f" and {len(files) - 1} more" if len(files) > 1 else ""
            held = import_open(
                stream=stream, way=ImportWay.COMMAND, name=f"{files[0].name}{more}", actor=actor
            )
            held = self._run(held, files, actor, is_whole=options["whole"])
        except DomainError as error:
            raise CommandError(str(error)) from error
        self._tell(held, as_json=options["json"])

    def _run(
        self, held: LogImport, files: list[Path], actor: Actor, *, is_whole: bool
    ) -> LogImport:
        def told(now: LogImport) -> None:
            if self.is_talking:
                self.stderr.write(f"{now.position:,} records", ending="\r")

        self.is_talking = self.stderr.isatty()
        try:
            return import_run(
                log_import=held, pieces=_pieces(files), actor=actor, is_whole=is_whole, told=told
            )
        except KeyboardInterrupt:
            import_fail(log_import=held, said="It was stopped by hand. What it kept stays.")
            raise

    def _tell(self, held: LogImport, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(_told(held), indent=2))
        else:
            for one in held.troubles:
                self.stdout.write(
                    self.style.WARNING(f"{one['file']}, line {one['line']}: {one['why']}")
                )
            self.stdout.write(
                f"{held.kept:,} kept, {held.repeated:,} were here already,"
                f" {held.unreadable:,} could not be read, {held.nobodys:,} of no known identity"
            )
        if held.status == ImportStatus.FAILED:
            raise CommandError(held.said)


def _pieces(files: list[Path]) -> Iterator[Piece]:
    for path in files:
        with ExitStack() as opened:
            try:
                file = opened.enter_context(path.open("rb"))
            except OSError as error:
                yield Piece(path.name, problem=f"It cannot be opened: {error.strerror}.")
                continue
            yield from pieces_of(file, path.name)


def _actor(address: str) -> Actor:
    if not address:
        return Countersign("log_import", Channel.COMMAND)
    user = User.objects.active().filter(email__iexact=address).first()
    if user is None:
        raise DomainError(f"Nobody active here has the address {address}.")
    return Person(user, Channel.COMMAND)


def _stream(options: dict[str, Any], actor: Actor) -> Stream:
    """The log, which is noted first where this is the first that is read of it."""
    name, log_format = options["system"], options["format"]
    system = System.objects.filter(name=name).first()
    if system is None:
        raise DomainError(f"There is no system called {name}.")
    known = Stream.objects.filter(system=system, log_format=log_format).first()
    return known or stream_add(
        system=system, log_format=log_format, mapping=_mapping(options["mapping"]), actor=actor
    )


def _mapping(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DomainError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(told, dict):
        raise DomainError(f"{path} is not an object from our fields to paths.")
    return {str(name): str(value) for name, value in told.items()}


def _told(held: LogImport) -> dict[str, Any]:
    return {
        "import": held.pk,
        "status": held.status,
        "kept": held.kept,
        "already_here": held.repeated,
        "unreadable": held.unreadable,
        "of_no_known_identity": held.nobodys,
        "first_event": held.first_at and held.first_at.isoformat(),
        "last_event": held.last_at and held.last_at.isoformat(),
        "troubles": held.troubles,
        "said": held.said,
    }
