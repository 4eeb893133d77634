"""Which kinds of systems can be connected, and which of their clients are installed."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from apps.connectors.adapters.live import Adapter

# Kind: module, class, and the package of the provider's client that the module needs.
_KINDS = {
    "aws": ("apps.connectors.adapters.aws", "AwsAdapter", "boto3"),
    "vault": ("apps.connectors.adapters.vault", "VaultAdapter", "hvac"),
    "azure": ("apps.connectors.adapters.azure", "AzureAdapter", "azure.identity"),
}


class NotInstalled(Exception):
    """The client of a kind of system is not there; says what to install."""


def adapter_class(kind: str) -> type[Adapter]:
    """The adapter of a kind. Raises `KeyError` for one there is none of, else `NotInstalled`."""
    module, name, package = _KINDS[kind]
    if not _is_installed(package):
        raise NotInstalled(f"Install countersign[{kind}]: {package} is missing on this host.")
    found: type[Adapter] = getattr(import_module(module), name)
    return found


def adapter_make(kind: str, told: dict, secret: Callable[[str], str]) -> Adapter:
    return adapter_class(kind)(told, secret)


def kinds() -> list[str]:
    """The kinds whose client is installed."""
    return [kind for kind, (_, _, package) in _KINDS.items() if _is_installed(package)]


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False
