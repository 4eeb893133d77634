"""Log lines that can be tied together: each carries the id of its request or task.

The context variable is for log lines only. Who acts, and in which request, is always passed
to services as the actor.
"""

import logging
from contextvars import ContextVar

current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id.get()
        return True
