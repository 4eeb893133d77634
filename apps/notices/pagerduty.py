"""Handing a page to PagerDuty by its Events API v2."""

import json
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from apps.core.links import public_url
from apps.core.outbound import PutOff, outbound_post
from apps.notices.models import Notice
from apps.notices.route_secret import secret_of
from apps.notices.states import Event, PageSeverity

LONGEST_SUMMARY = 1024
LONGEST_KEY = 255
SEVERITIES = {
    PageSeverity.CRITICAL: "critical",
    PageSeverity.HIGH: "error",
    PageSeverity.MEDIUM: "warning",
    PageSeverity.LOW: "info",
}


def pagerduty_post(notice: Notice) -> str:
    """Trigger, acknowledge, or resolve, and return what PagerDuty answered."""
    key = secret_of(notice.the_route)
    event: dict[str, Any] = {
        "routing_key": key,
        "event_action": notice.event,
        "dedup_key": dedup_key(notice),
    }
    if notice.event == Event.TRIGGER:
        event |= _details(notice)
    body = json.dumps(event).encode()
    headers = {"Content-Type": "application/json"}
    url = settings.PAGERDUTY_EVENTS_URL
    answer = outbound_post(url, body=body, headers=headers, hide=[key])
    said = answer.settled()
    if answer.status != 202 or "dedup_key" not in answer.text:
        raise PutOff(f"Not an answer of PagerDuty: {said}")
    return said


def dedup_key(notice: Notice) -> str:
    """What ties the events of a page together: of this house, and the same at every level."""
    what = f"page/{notice.page_id}" if notice.page_id is not None else f"notice/{notice.pk}"
    return f"countersign/{_house()[:200]}/{what}"[:LONGEST_KEY]


def _house() -> str:
    return urlsplit(settings.PUBLIC_URL).netloc or "countersign"


def _details(notice: Notice) -> dict[str, Any]:
    page = notice.page
    severity = PageSeverity(page.severity) if page is not None else PageSeverity.LOW
    place = public_url((notice if page is None else page).get_absolute_url())
    return {
        "client": "Countersign",
        "client_url": place,
        "links": [{"href": place, "text": "Acknowledge it in Countersign"}],
        "payload": {
            "summary": notice.subject[:LONGEST_SUMMARY],
            "source": _house(),
            "severity": SEVERITIES[severity],
            "timestamp": notice.created_at.isoformat(),
            "class": notice.kind,
            "custom_details": {"text": notice.body},
        },
    }
