"""Every list at a million rows: first page, filtered, each sort, and a deep page."""

import re
from collections.abc import Iterator
from html import unescape

from django.test import Client
from django.urls import reverse

from tests.bench.measure import Measured, page

LIST_BOUND = 100
LISTS = {
    "inventory:credential_list": {"filter": {"q": "key-1999"}, "more": {"state": "active"}},
    "grants:grant_list": {"filter": {"q": "svc-19999"}, "more": {"level": "admin"}},
    "inventory:identity_list": {"filter": {"q": "svc-19999"}, "more": {}},
    "inventory:agent_list": {"filter": {"q": "agent-199"}, "more": {}},
    "findings:finding_list": {"filter": {"q": "svc-1999"}, "more": {"rule": "grant-unjustified"}},
}


def list_pages(client: Client) -> Iterator[Measured]:
    for name, asked in LISTS.items():
        url = reverse(name)
        yield page(client, f"{name} first", url, bound=LIST_BOUND)
        yield page(
            client, f"{name} searched", reverse(name, query=asked["filter"]), bound=LIST_BOUND
        )
        if asked["more"]:
            yield page(
                client, f"{name} filtered", reverse(name, query=asked["more"]), bound=LIST_BOUND
            )
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
