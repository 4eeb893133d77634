from apps.connectors.models.connection import Connection, Reading
from apps.connectors.models.sync import StagedRow, Sync

__all__ = ["Connection", "Reading", "StagedRow", "Sync"]
