"""Handing a page to any system that takes signed JSON, as Standard Webhooks describe it."""

import json

from apps.core.links import public_url
from apps.core.outbound import outbound_post
from apps.notices.models import Notice
from apps.notices.route_secret import secret_of
from apps.notices.signing import demand_serialized, signed_headers
from apps.notices.states import Event

TYPES = {
    Event.TRIGGER: "page.sent",
    Event.ACKNOWLEDGE: "page.acknowledged",
    Event.RESOLVE: "page.resolved",
}


def webhook_post(notice: Notice) -> str:
    """Post a page, or what became of it, and return the answer."""
    route = notice.the_route
    key = demand_serialized(secret_of(route))
    body = json.dumps(_told(notice), separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json"}
    headers |= signed_headers(f"notice-{notice.pk}", body, key)
    return outbound_post(route.url, body=body, headers=headers, hide=[key]).settled()


def _told(notice: Notice) -> dict[str, object]:
    page = notice.page
    data: dict[str, object] = {"subject": notice.subject, "body": notice.body}
    if page is not None:
        data |= {
            "page": page.pk,
            "key": page.dedupe_key,
            "severity": page.severity,
            "state": page.state,
            "level": page.level,
            "url": public_url(page.get_absolute_url()),
        }
    type_ = TYPES[Event(notice.event)] if page is not None else "test"
    return {"type": type_, "timestamp": notice.created_at.isoformat(), "data": data}
