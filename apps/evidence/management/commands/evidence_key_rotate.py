from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.actors import Channel, System
from apps.core.errors import DomainError
from apps.evidence.services.keys import signing_key_rotate


class Command(BaseCommand):
    help = "Make a new key to sign evidence with. What the old one signed still checks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="why; it is kept in the record")
        parser.add_argument(
            "--compromised",
            action="store_true",
            help="withdraw the old key: nothing it signed checks any more",
        )

    def handle(self, *, reason: str, compromised: bool, **options: object) -> None:
        actor = System("evidence_key_rotate", Channel.COMMAND)
        try:
            key = signing_key_rotate(reason=reason, compromised=compromised, actor=actor)
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self.style.SUCCESS(f"Packages are signed with {key.key_id} from now on."))
