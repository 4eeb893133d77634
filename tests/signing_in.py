"""Signing a test client in as somebody who proved who they are a moment ago."""

import time

from allauth.mfa import app_settings
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth import SESSION_KEY

# A code is sent within this many seconds of being read, on a busy machine too.
TO_TYPE_IT = 15


def sign_in(client, person, *, seconds_ago: float = 0) -> None:
    """Like `force_login`, with the proof that dangerous acts ask for."""
    client.force_login(person)
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time() - seconds_ago}
    ]
    session["account_authentication_methods_user"] = session[SESSION_KEY]
    session.save()


def authenticator_code(secret: str) -> str:
    """What an authenticator app shows, read when it stays right long enough to be sent."""
    period = app_settings.TOTP_PERIOD
    left = period - time.time() % period
    if left < TO_TYPE_IT:
        time.sleep(left)
    return format_hotp_value(hotp_value(secret, int(time.time()) // period))
