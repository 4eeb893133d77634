from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from apps.accounts.models import User
from apps.console.sample.load import sample_load
from config import env


class Command(BaseCommand):
    help = "Fill an empty Countersign with an invented company, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--password",
            default="",
            help="Everybody's password; else COUNTERSIGN_DEMO_PASSWORD is read.",
        )

    def handle(self, *, password: str, **options: object) -> None:
        if User.objects.exists():
            self.stdout.write("There are people here already; nothing was loaded.")
            return
        chosen = password or env.text("COUNTERSIGN_DEMO_PASSWORD", "")
        if not chosen:
            raise CommandError("Give --password, or set COUNTERSIGN_DEMO_PASSWORD.")
        with transaction.atomic():  # stopped half way, it can be started again
            for said in sample_load(password=chosen):
                self.stdout.write(said)
        self.stdout.write(self.style.SUCCESS("The invented company is here."))
