import contextlib
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection
from django.utils import timezone

from apps.core.errors import DomainError
from apps.proof.memory import MemoryBroken
from apps.proof.services.signing import OFTENEST, logs_sign, signer_key, signer_memory

STOPPED = 3


class Command(BaseCommand):
    help = (
        "Sign the logs: at most every 10 seconds, and hourly when nothing comes. To be run as a"
        " process of its own, which alone can read the key; ends with code 3, and signs nothing,"
        " if a log is not what it was signed as."
    )
    # They would load every page into the one process that can read the key.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="sign what is due, and end")

    def handle(self, *, once: bool, **options: Any) -> None:
        asked = threading.Event()
        memory = signer_memory()
        try:
            with memory.held():
                key = signer_key()
                if not once:
                    for number in (signal.SIGTERM, signal.SIGINT):
                        signal.signal(number, lambda *_: asked.set())
                    self.stdout.write(f"Signing with what lies in {memory.folder}.")
                is_first = True
                while not asked.is_set():
                    is_first = not self._turn(key, memory, is_first=is_first) and is_first
                    if once:
                        break
                    asked.wait(OFTENEST.total_seconds())
        except BlockingIOError as error:
            raise CommandError(f"Another signer signs from {memory.folder}.") from error
        except (DomainError, MemoryBroken) as error:
            raise CommandError(
                f"THE SIGNER STOPPED AND SIGNED NOTHING. {error} See docs/proof.md, "
                '"When the signer stops".',
                returncode=STOPPED,
            ) from error

    def _turn(self, key: Any, memory: Any, *, is_first: bool) -> bool:
        """Sign what is due. A database that does not answer is asked again next time."""
        now = timezone.now()
        try:
            for checkpoint in logs_sign(key=key, memory=memory, now=now, is_first=is_first):
                self.stdout.write(f"Signed log {checkpoint.log.name} at {checkpoint.size}.")
        except OperationalError as error:
            self.stderr.write(f"The database does not answer: {error}")
            with contextlib.suppress(Exception):
                connection.close()
            return False
        return True
