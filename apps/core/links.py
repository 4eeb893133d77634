"""Links that leave the house, in mails and packages."""

from django.conf import settings


def public_url(path: str) -> str:
    """A path of ours as an address that works from anywhere."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"
