"""Handing a message to a chat's incoming webhook, as Slack, Mattermost, and their kin take it.

One chat may be set for the whole house by its environment; others are routes, whose address is
itself the secret and is read where a reference says.
"""

import json
from urllib.parse import urlsplit

from django.conf import settings

from apps.core.outbound import outbound_post
from apps.notices.models import Notice
from apps.notices.route_secret import secret_of
from apps.notices.signing import signed_headers

# What Slack's format reserves: a name must not call a whole channel, or draw a link of its own.
RESERVED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def is_configured() -> bool:
    return bool(settings.CHAT_WEBHOOK_URL)


def host() -> str:
    """Whom the messages go to, without what an address may hide."""
    return urlsplit(settings.CHAT_WEBHOOK_URL).hostname or ""


def chat_post(notice: Notice) -> str:
    """Post a notice, and return what the chat answered."""
    url, key = settings.CHAT_WEBHOOK_URL, settings.CHAT_WEBHOOK_SECRET
    if notice.route is not None:
        url, key = secret_of(notice.route), ""
    text = f"{notice.subject}\n{notice.body}".translate(RESERVED)
    body = json.dumps({"text": text}).encode()
    headers = {"Content-Type": "application/json"}
    headers |= signed_headers(f"notice-{notice.pk}", body, key)
    return outbound_post(url, body=body, headers=headers, hide=[url]).settled()
