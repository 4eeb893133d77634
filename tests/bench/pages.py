"""Every list at a million rows: first page, filtered, each sort, and a deep page."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlencode

from django.test import Client
from django.urls import reverse

from tests.bench.measure import Measured, page

LIST_BOUND = 100
# What is asked of each list: words that match few, very many, or nothing; what is rare and what
# is common; and two things at once.
LISTS: dict[str, list[dict[str, str]]] = {
    "inventory:credential_list": [
        {"q": "key-1999"},
        {"q": "key"},
        {"q": "no-such-key"},
        {"q": "ke"},
        {"state": "active"},
        {"state": "revoked"},
        {"kind": "token"},
        {"stored_in": "code"},
        {"system": "7"},
        {"endless": "true"},
        {"standing": "true"},
        {"shared": "true"},
        {"gone": "true"},
        {"q": "key-19", "state": "active"},
    ],
    "grants:grant_list": [
        {"q": "svc-19999"},
        {"q": "svc"},
        {"q": "no-such-grant"},
        {"level": "admin"},
        {"state": "suspended"},
        {"tags": "spends"},
        {"unjustified": "true"},
        {"justified": "no"},
        {"present": "true"},
        {"gone": "true"},
        {"system": "7"},
        {"agent": "7"},
        {"level": "admin", "unjustified": "true"},
        {"level": "write", "system": "7"},
    ],
    "grants:justification_list": [{"q": "task 1999"}, {"q": "no-such-task"}],
    "inventory:identity_list": [
        {"q": "svc-19999"},
        {"q": "svc"},
        {"agentless": "true"},
        {"present": "true"},
        {"gone": "true"},
        {"system": "7"},
    ],
    "inventory:binding_list": [{"agent": "7"}, {"live": "true"}],
    "inventory:agent_list": [{"q": "agent-199"}, {"q": "a"}, {"ownerless": "true"}],
    "findings:finding_list": [
        {"q": "svc-1999"},
        {"rule": "grant-unjustified"},
        {"severity": "critical"},
        {"system": "7"},
    ],
}


def list_pages(client: Client) -> Iterator[Measured]:
    for name, asked in LISTS.items():
        url = reverse(name)
        yield page(client, f"{name} first", url, bound=LIST_BOUND)
        for query in asked:
            found = f"{name} ?{urlencode(query)}"
            yield page(client, found, reverse(name, query=query), bound=LIST_BOUND)
        for sort in _sorts(client, url):
            yield page(
                client, f"{name} by {sort}", reverse(name, query={"sort": sort}), bound=LIST_BOUND
            )
        yield page(client, f"{name} deep", _deep(client, url), bound=LIST_BOUND)


def _sorts(client: Client, url: str) -> list[str]:
    """Every column the page offers to sort by, in both directions."""
    found = re.findall(r"[?&;]sort=(-?[a-z_]+)", client.get(url).text)
    names = dict.fromkeys(name.lstrip("-") for name in found)
    return [f"{sign}{name}" for name in names for sign in ("", "-")]


def _deep(client: Client, url: str) -> str:
    """The address of a page forty pages on, reached as a person reaches it: by `next`."""
    for _ in range(40):
        following = re.search(r'href="([^"]*[?&;]after=[^"]*)"', client.get(url).text)
        if following is None:
            return url
        query = unescape(following[1])
        url = query if query.startswith("/") else f"{url.partition('?')[0]}{query}"
    return url


def home_page(client: Client) -> Iterator[Measured]:
    yield page(client, "home", reverse("console:home"), bound=200)
