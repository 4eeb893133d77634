from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Bring the schema up to date and give the application role its rights: each release."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--role", help="the role of DATABASE_URL, if it is not the owner")

    def handle(self, *, role: str | None, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=options["verbosity"])
        if role:
            call_command("database_grant", role, stdout=self.stdout)
