import io
import sys

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.core.actors import Channel, Role

pytestmark = pytest.mark.django_db


def test_the_first_steward_is_made_on_the_command_line(monkeypatch):
    _type(monkeypatch, "a long enough phrase")

    call_command("steward_create", "First@example.com", name="Head of IT", stdout=io.StringIO())

    person = User.objects.get(email="first@example.com")
    assert (person.role, person.display_name) == (Role.STEWARD, "Head of IT")
    assert person.check_password("a long enough phrase")
    assert AuditEntry.objects.get().channel == Channel.COMMAND


def test_a_weak_password_makes_no_steward(monkeypatch):
    _type(monkeypatch, "short")

    with pytest.raises(CommandError, match="too short"):
        call_command("steward_create", "first@example.com")

    assert not User.objects.exists()


def _type(monkeypatch, words):
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{words}\n"))
