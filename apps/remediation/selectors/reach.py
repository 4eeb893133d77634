"""Which connection may remove where."""

from apps.connectors.models import Connection


def removing_connections() -> dict[tuple[str, str], Connection]:
    """Connections that may remove, by the kind and account they speak for; the oldest counts."""
    removing = Connection.objects.removing().order_by("-pk")
    return {(one.kind, account): one for one in removing for account in one.accounts}
