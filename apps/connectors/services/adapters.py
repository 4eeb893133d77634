"""From a connection to its adapter: the one place that reads secrets for it."""

from apps.connectors.adapters.live import Adapter
from apps.connectors.adapters.registry import NotInstalled, adapter_make
from apps.connectors.models import Connection
from apps.connectors.services.hosts import hosts_check
from apps.core.errors import DomainError
from apps.core.references import reference_read


def adapter_of(connection: Connection) -> Adapter:
    """The adapter of a connection. Nothing is called yet; references are read when needed."""
    try:
        hosts_check(connection.kind, connection.told)
        return adapter_make(connection.kind, connection.told, reference_read)
    except NotInstalled as error:
        raise DomainError(str(error)) from error
