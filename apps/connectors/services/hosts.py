"""Which hosts a connection may speak to: those of its provider, and those an operator has named.

A connection takes tokens and new secrets to wherever it leads, so one steward alone must not
choose that. It is judged when a connection is saved, and whenever its adapter is made.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from apps.connectors.adapters.live import ProviderError
from apps.connectors.adapters.registry import adapter_class
from apps.core.errors import DomainError

# Nothing that two readers of addresses could read in two ways.
ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[a-z0-9._~/-]*)?",
    re.ASCII | re.IGNORECASE,
)
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
SHAPE = "An address is https://, a host, perhaps a port and a plain path, and nothing else."


class HostRefused(DomainError):
    """A connection leads to a host that nobody but its steward has chosen."""


def hosts_check(kind: str, told: Mapping[str, Any]) -> None:
    """Refuse what would lead a connection to a host that it may not speak to."""
    adapter = adapter_class(kind)
    try:
        addresses = adapter.addresses(told)
    except ProviderError as error:
        raise HostRefused(str(error)) from error
    for address in addresses:
        _check(address, adapter.own_hosts, adapter.title)


def _check(address: str, own: re.Pattern[str] | None, title: str) -> None:
    found = ADDRESS.fullmatch(address)
    if found is None:
        raise HostRefused(SHAPE)
    host = found["host"].lower().strip("[]")
    if found["scheme"].lower() != "https" and host not in LOOPBACK:
        raise HostRefused("The address of a server begins with https://.")
    is_own = own is not None and own.fullmatch(host) is not None
    if not is_own and host not in {one.lower() for one in settings.CONNECTION_HOSTS}:
        raise HostRefused(
            f"{host} is no host of {title}'s own. Whoever runs Countersign names it in"
            " CONNECTION_HOSTS to let connections speak to it."
        )
