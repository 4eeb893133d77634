from apps.connectors.models.connection import Connection, Reading
from apps.connectors.models.log_source import LogSource
from apps.connectors.models.sync import StagedRow, Sync

__all__ = ["Connection", "LogSource", "Reading", "StagedRow", "Sync"]
