"""Addresses: of a record's own page, and of a page as seen from outside."""

from functools import cache

from django.conf import settings
from django.urls import get_script_prefix, reverse

_KEY = 9_007_199_254_740_991


def record_href(name: str, pk: int) -> str:
    """The address of a record's page, whose one argument is its key.

    Working out each address anew is a good part of what a table with many links costs.
    """
    before, after = _around(name, get_script_prefix())
    return f"{before}{pk}{after}"


@cache
def _around(name: str, prefix: str) -> tuple[str, str]:
    before, after = reverse(name, args=[_KEY]).split(str(_KEY))
    return before, after


def public_url(path: str) -> str:
    """A path of ours as an address that works from anywhere, in mails and packages."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"
