from apps.inventory.models.agent import Agent, AgentCall, Task, TaskNeed
from apps.inventory.models.client import AgentClient
from apps.inventory.models.credential import Credential
from apps.inventory.models.identity import Binding, Identity
from apps.inventory.models.source import Imported, Source
from apps.inventory.models.system import SeatSystem, System

__all__ = [
    "Agent",
    "AgentCall",
    "AgentClient",
    "Binding",
    "Credential",
    "Identity",
    "Imported",
    "SeatSystem",
    "Source",
    "System",
    "Task",
    "TaskNeed",
]
