"""People with a password, and what becomes of their sign-in when time passes."""

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from tests.e2e.visitor import PASSWORD
from tests.factories.accounts import UserFactory


def person(name, **facts):
    made = UserFactory(display_name=name, **facts)
    made.set_password(PASSWORD)
    made.save()
    return made


def make_stale(user, *, seconds=3600):
    """Let an hour pass since somebody signed in: dangerous acts ask them again."""
    for session in map(SessionStore, Session.objects.values_list("pk", flat=True)):
        if session.get(SESSION_KEY) == str(user.pk):
            for record in session["account_authentication_methods"]:
                record["at"] -= seconds
            session.save()
