from apps.activity.services.opening import payload_open, payloads_open
from apps.activity.services.searches import search_forget, search_save

__all__ = ["payload_open", "payloads_open", "search_forget", "search_save"]
