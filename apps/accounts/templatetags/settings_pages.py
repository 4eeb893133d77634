"""The places of Settings: each app has some, and the reader sees those that let them in."""

from typing import Any

from django import template
from django.template.context import Context
from django.urls import NoReverseMatch, resolve, reverse

register = template.Library()

PLACES = [
    ("accounts:person_list", "People", "users", "Who signs in, and in what role."),
    ("accounts:team_list", "Teams", "users-group", "Who decides write access for which agents."),
    ("connectors:source_list", "Sources", "database-import", "Where the inventory comes from."),
    (
        "connectors:connection_list",
        "Connections",
        "plug-connected",
        "Which systems are read, and where access can be removed from here.",
    ),
    ("console:client_list", "API clients", "plug", "Which agents sign in to the API."),
    ("reviews:template_list", "Templates", "template", "What campaigns are made from, and when."),
    ("accounts:policy_list", "Policies", "adjustments", "The thresholds that rules go by."),
    ("notices:notice_list", "Notices", "mail", "What was sent, who is paged, and where pages go."),
]


@register.inclusion_tag("accounts/settings_tabs.html", takes_context=True)
def settings_tabs(context: Context) -> dict[str, Any]:
    request = context["request"]
    return {
        "tabs": [
            (place["label"], place["href"], request.path.startswith(place["href"]), None)
            for place in _places(request)
        ]
    }


@register.simple_tag(takes_context=True)
def settings_places(context: Context) -> list[dict[str, str]]:
    return _places(context["request"])


def _places(request: Any) -> list[dict[str, str]]:
    places = []
    for name, label, icon, text in PLACES:
        try:
            href = reverse(name)
        except NoReverseMatch:
            continue
        rule = getattr(resolve(href).func, "page_rule", None)
        if callable(rule) and rule(request.actor):
            places.append({"label": label, "href": href, "icon": icon, "text": text})
    return places
