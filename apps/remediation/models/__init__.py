from apps.remediation.models.batch import Batch
from apps.remediation.models.incident import Incident, IncidentCall, IncidentMade
from apps.remediation.models.leak import Leak
from apps.remediation.models.order import Order, OrderProof
from apps.remediation.models.step import OrderStep

__all__ = [
    "Batch",
    "Incident",
    "IncidentCall",
    "IncidentMade",
    "Leak",
    "Order",
    "OrderProof",
    "OrderStep",
]
