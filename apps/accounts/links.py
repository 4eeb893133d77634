"""The one-time link of an invitation: made when it is needed, kept nowhere.

Its token is derived from the invitation's seed and the secret key; the table holds the digest
that a presented token must have.
"""

import hashlib

from django.urls import reverse
from django.utils.crypto import salted_hmac

from apps.accounts.models import Invitation
from apps.core.links import public_url

SALT = "apps.accounts.invitation"


def invitation_token(seed: str) -> str:
    return salted_hmac(SALT, seed, algorithm="sha256").hexdigest()


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def invitation_words(invitation_id: int) -> dict[str, str]:
    """What the invitation's mail says and its notice does not keep."""
    seed = Invitation.objects.values_list("seed", flat=True).get(pk=invitation_id)
    path = reverse("accounts:invitation_open", args=[invitation_token(seed)])
    return {"link": public_url(path)}
