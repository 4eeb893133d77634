from apps.activity.services.opening import Opened, payload_open

__all__ = ["Opened", "payload_open"]
