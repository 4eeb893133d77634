"""From a connection to its adapter: the one place that reads secrets for it."""

from apps.connectors.adapters.live import Adapter, Unavailable
from apps.connectors.adapters.registry import NotInstalled, adapter_make
from apps.connectors.models import Connection
from apps.connectors.services.hosts import hosts_check
from apps.core.errors import DomainError
from apps.core.references import ReferenceUnavailable, reference_read


def adapter_of(connection: Connection) -> Adapter:
    """The adapter of a connection. Nothing is called yet; references are read when needed."""
    try:
        hosts_check(connection.kind, connection.told)
        return adapter_make(connection.kind, connection.told, _secret)
    except NotInstalled as error:
        raise DomainError(str(error)) from error


def _secret(reference: str) -> str:
    """A secret for an adapter. Where its manager does not answer, trying again may heal it."""
    try:
        return reference_read(reference)
    except ReferenceUnavailable as error:
        raise Unavailable(str(error), code="no secret") from None
