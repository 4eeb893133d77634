"""Signing a test client in as somebody who proved who they are a moment ago."""

import time

from django.contrib.auth import SESSION_KEY


def sign_in(client, person, *, seconds_ago: float = 0) -> None:
    """Like `force_login`, with the proof that dangerous acts ask for."""
    client.force_login(person)
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time() - seconds_ago}
    ]
    session["account_authentication_methods_user"] = session[SESSION_KEY]
    session.save()
