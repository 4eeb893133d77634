from apps.rotation.models.migration import Migration
from apps.rotation.models.reminder import Reminder
from apps.rotation.models.rotation import Rotation, RotationStep

__all__ = ["Migration", "Reminder", "Rotation", "RotationStep"]
