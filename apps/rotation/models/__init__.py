from apps.rotation.models.reminder import Reminder

__all__ = ["Reminder"]
