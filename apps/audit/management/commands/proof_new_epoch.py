from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit.headers import GOVERNANCE
from apps.audit.services.epochs import log_epoch_begin
from apps.core.actors import Channel, System
from apps.core.errors import DomainError
from apps.proof.memory import MemoryBroken
from apps.proof.merkle import ProofError


class Command(BaseCommand):
    help = (
        "Begin a log anew after a restore, or with another key: from its tree as it stands, naming"
        " the last checkpoint of before. To be run where the signer runs, while it does not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="why; it is recorded")
        parser.add_argument("--log", default=GOVERNANCE, help="its name; governance if not said")

    def handle(self, *, reason: str, log: str, **options: Any) -> None:
        actor = System("proof_new_epoch", Channel.COMMAND)
        try:
            epoch = log_epoch_begin(log_name=log, reason=reason, actor=actor)
        except BlockingIOError as error:
            raise CommandError("The signer runs: stop it first.") from error
        except (DomainError, MemoryBroken, ProofError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Epoch {epoch.number} of log {log} begins at {epoch.size} leaves.")
        self.stdout.write(f"Its key for verifiers: {epoch.vkey}")
