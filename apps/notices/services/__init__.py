"""Everything that writes notices, pages, and where they go."""

from apps.notices.services.ladders import ladder_change
from apps.notices.services.logs import broken_logs_page
from apps.notices.services.notices import chat_send, notice_deliver, notice_retry, notice_send
from apps.notices.services.pages import (
    page_acknowledge,
    page_resolve,
    page_send,
    page_settle,
    pages_escalate,
)
from apps.notices.services.routes import route_create, route_retire, route_test

__all__ = [
    "broken_logs_page",
    "chat_send",
    "ladder_change",
    "notice_deliver",
    "notice_retry",
    "notice_send",
    "page_acknowledge",
    "page_resolve",
    "page_send",
    "page_settle",
    "pages_escalate",
    "route_create",
    "route_retire",
    "route_test",
]
