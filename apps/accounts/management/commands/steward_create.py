import os
import sys
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import User
from apps.accounts.services.people import steward_create
from apps.core.actors import Channel, System
from apps.core.errors import DomainError


class Command(BaseCommand):
    help = (
        "Make a steward, or give somebody's account a new password and the steward's role. The"
        " password is asked for, or read from standard input where that is no terminal."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="what they sign in with")
        parser.add_argument("--name", default="", help="how they are shown")

    def handle(self, *, email: str, name: str, **options: Any) -> None:
        password = _password()
        try:
            validate_password(password, User(email=email, display_name=name))
            person = steward_create(
                email=email,
                display_name=name,
                password=password,
                actor=System("steward_create", Channel.COMMAND),
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self.style.SUCCESS(f"{person.email} is a steward"))


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip(os.linesep)
    password = getpass("Password: ")
    if getpass("Password again: ") != password:
        raise CommandError("The two passwords differ.")
    return password
