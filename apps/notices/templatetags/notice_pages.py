"""The places of Notices: the reader sees those that let them in."""

from typing import Any

from django import template
from django.template.context import Context

from apps.core.templatetags.countersign import page_href

register = template.Library()

PLACES = [
    ("notices:notice_list", "Sent"),
    ("notices:page_list", "Pages"),
    ("accounts:ladder_list", "On call"),
    ("notices:route_list", "Routes"),
]


@register.inclusion_tag("notices/notice_tabs.html", takes_context=True)
def notice_tabs(context: Context) -> dict[str, Any]:
    path = context["request"].path
    places = [(label, page_href(context, name)) for name, label in PLACES]
    return {"tabs": [(label, href, path == href, None) for label, href in places if href]}
