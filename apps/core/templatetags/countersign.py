"""The shared parts of pages, as template tags."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import Any

from django import template
from django.template.context import Context
from django.template.defaultfilters import date as format_date
from django.urls import NoReverseMatch, resolve, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from apps.core import links
from apps.core.choices import drawn_attributes, drawn_inputs, drawn_options

register = template.Library()
register.simple_tag(drawn_options, name="options")
register.simple_tag(drawn_inputs, name="inputs")
register.simple_tag(drawn_attributes, name="attributes")
register.simple_tag(links.record_href, name="href_of")

# The rule of each page that needs arguments, by its name, once it was asked for.
RULES: dict[str, Any] = {}

# For badges, of which there are few and every table draws many. Text that is safe is another.
few = lru_cache(maxsize=512, typed=True)

LEFT = mark_safe(' <span class="badge state state-retired">left</span>')

CURRENT = (" active", mark_safe(' aria-current="page"'))
NAV_ITEM = (
    '<li class="nav-item{}"><a class="nav-link" href="{}" data-goto="{}"{}>'
    '<span class="nav-link-icon">{}</span><span class="nav-link-title">{}</span>'
    '<span class="nav-count" id="nav-{}"></span></a></li>'
)

# Below so many seconds a span is told in units of so many.
STEPS = ((60, 1, "s"), (60 * 60, 60, "min"), (24 * 60 * 60, 60 * 60, "h"))


def relative(value: datetime, now: datetime) -> str:
    """How far off, in one unit: `2 h ago`, `in 3 days`."""
    seconds = int(abs((now - value).total_seconds()))
    if seconds < 10:
        return "now"
    for below, unit, name in STEPS:
        if seconds < below:
            amount = f"{seconds // unit} {name}"
            break
    else:
        days = seconds // (24 * 60 * 60)
        amount = f"{days} day{'' if days == 1 else 's'}"
    return f"in {amount}" if value > now else f"{amount} ago"


@register.simple_tag
def moment(value: datetime | date | None, style: str = "relative", empty: str = "never") -> str:
    """A time. `style` is relative, exact (where it is evidence), or day."""
    if value is None or value == "":
        return format_html('<span class="text-secondary">{}</span>', empty)
    if not isinstance(value, datetime):
        return format_html('<time datetime="{}">{}</time>', value, format_date(value, "j M Y"))
    utc = value.astimezone(UTC)
    # Nothing in it comes from anybody: escaping it would take most of the time of a long table.
    return mark_safe(  # noqa: S308
        f'<time class="text-nowrap" datetime="{utc:%Y-%m-%dT%H:%M:%SZ}"'
        f' title="{utc:%-d %b %Y, %H:%M:%S} UTC">{_as_read(value, style)}</time>'
    )


def _as_read(value: datetime, style: str) -> str:
    if style == "relative":
        return relative(value, timezone.now())
    local = timezone.localtime(value)
    if style == "day":
        return str(format_date(local, "j M Y"))
    return f"{local:%-d %b %Y, %H:%M:%S} {local.tzname()}"


@register.filter
def clock(value: datetime) -> str:
    """The time of day, to the second, where the day is told beside it."""
    return f"{timezone.localtime(value):%H:%M:%S}"


@register.simple_tag
@cache
def icon(name: str, extra: str = "") -> SafeString:
    """A picture beside words; it says nothing by itself."""
    return format_html('<i class="ti ti-{} {}" aria-hidden="true"></i>', name, extra)


@register.simple_tag
@few
def level(value: str) -> SafeString:
    return format_html('<span class="level level-{0}">{0}</span>', value)


@register.simple_tag
def state(record: Any, field: str = "state") -> SafeString:
    """The badge of a record's state, in the words of its choices."""
    *path, field = str(field).split("__")
    for name in path:
        record = getattr(record, name)
    display = getattr(record, f"get_{field}_display", None)
    value = getattr(record, field)
    return state_badge(value, display() if display else value)


@few
def state_badge(value: str, words: str) -> SafeString:
    return format_html('<span class="badge state state-{}">{}</span>', value, words or value)


@register.simple_tag
@few
def severity(value: str) -> SafeString:
    return format_html('<span class="badge severity severity-{0}">{0}</span>', value)


@register.simple_tag
def tags(values: Iterable[str] | None) -> SafeString:
    """Capability tags, as badges in one list."""
    badges = format_html_join("", '<span class="badge cap cap-{0}">{0}</span>', zip(values or ()))
    return format_html('<span class="tag-list">{}</span>', badges) if badges else badges


@register.simple_tag
def person(user: Any, empty: str = "nobody") -> SafeString:
    """A name, and whether they have left."""
    if not user:
        return format_html('<span class="text-secondary">{}</span>', empty)
    left = LEFT if getattr(user, "is_active", None) is False else ""
    return format_html("{}{}", user, left)


@register.inclusion_tag("core/act.html")
def act(  # noqa: PLR0917  (written by hand in templates, where names would be noise)
    verdict: Any, label: str, href: str, icon_name: str = "", style: str = "", target: str = ""
) -> dict[str, Any]:
    """A link to an act if the verdict allows it; else the same, disabled, with the reason.

    `target="#dialog"` opens it in the dialog where there is JavaScript.
    """
    return {
        "verdict": verdict,
        "label": label,
        "href": href,
        "icon_name": icon_name,
        "style": style,
        "target": target,
    }


@register.inclusion_tag("core/may.html")
def may(verdict: Any) -> dict[str, Any]:
    """Why not, where a verdict refuses; nothing where it allows."""
    return {"verdict": verdict}


@register.simple_tag(takes_context=True)
def page_href(context: Context, url_name: str) -> str:
    """The address of a page, if it exists and its own policy lets this reader in; else empty."""
    href, rule = _page(url_name)
    return "" if callable(rule) and not rule(context["request"].actor) else href


@register.simple_tag
def place(url_name: str) -> str:
    """The address of a page that takes no arguments, if it exists: worked out once."""
    return _page(url_name)[0]


@register.simple_tag(takes_context=True)
def page_allows(context: Context, url_name: str, *args: Any) -> str:
    """The address of one record's page or panel, if its own policy lets this reader in."""
    href = reverse(url_name, args=args)
    if url_name not in RULES:
        RULES[url_name] = getattr(resolve(href).func, "page_rule", None)
    rule = RULES[url_name]
    return "" if callable(rule) and not rule(context["request"].actor) else href


@register.simple_tag(takes_context=True)
def around_link(context: Context, record: Any) -> SafeString | str:
    """A button to everything around a record; nothing for who may not open that page."""
    href = page_allows(context, "console:around", record._meta.label_lower, record.pk)
    if not href:
        return ""
    return format_html(
        '<a class="btn" href="{}">{}Around it</a>', href, icon("focus-centered", "me-1")
    )


@register.filter
def seconds_told(seconds: float) -> str:
    """A span in one unit: `45 seconds`, `10 minutes`, `1 hour`."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = round(seconds / size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    count = round(seconds)
    return f"{count} second{'' if count == 1 else 's'}"


@cache
def _page(url_name: str) -> tuple[str, Any]:
    """A page's address, empty if there is none, and its rule: the same as long as we run."""
    try:
        href = reverse(url_name)
    except NoReverseMatch:
        return "", None
    return href, getattr(resolve(href).func, "page_rule", None)


@register.simple_tag(takes_context=True)
def nav_item(context: Context, url_name: str, label: str, icon_name: str, goto: str) -> str:
    """A place in the navigation, if it exists and its own policy lets this reader in."""
    href = page_href(context, url_name)
    if not href:
        return ""
    path = context["request"].path
    is_current = path == href if href == "/" else path.startswith(href)
    return _nav_item(url_name, label, icon_name, goto, *CURRENT if is_current else ("", ""))


@cache
def _nav_item(  # noqa: PLR0917  (as the tag)
    url_name: str, label: str, icon_name: str, goto: str, active: str, current: str
) -> SafeString:
    href, count = place(url_name), url_name.replace(":", "-")
    return format_html(NAV_ITEM, active, href, goto, current, icon(icon_name), label, count)


@register.filter
def percent(part: int | None, whole: int | None) -> int:
    """A whole percentage, rounded down so that 100 means all."""
    return 0 if not part or not whole else min(100, part * 100 // whole)


@register.filter
def initials(user: Any) -> str:
    return "".join(word[0] for word in str(user).split()[:2]).upper()


@register.filter
def at(values: Any, index: int) -> Any:
    return values[index] if index < len(values) else ""


@register.filter
def edges_from(edges: list[dict[str, Any]], node: Any) -> list[dict[str, Any]]:
    return [edge for edge in edges if edge["from"] == node]


@register.filter
def node_label(nodes: list[dict[str, Any]], node: Any) -> str:
    return next((str(one["label"]) for one in nodes if one["id"] == node), str(node))


@register.filter
def as_time(value: str) -> datetime | date | str:
    """A time that was frozen as text; text that is none stays as it is."""
    return parse_datetime(value) or parse_date(value) or value


@register.filter
def spoken(field: str) -> str:
    """The name of a field as people say it: `expires_at` is "expires at"."""
    return field.removesuffix("_id").replace("_", " ").capitalize()


@register.filter
def told(value: Any) -> str:
    """A recorded value as people read it: no JSON where words do."""
    if value is None or value in ("", [], {}):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(told(one) for one in value)
    if isinstance(value, dict):
        return "; ".join(f"{spoken(str(key))}: {told(one)}" for key, one in value.items())
    return str(value)


@register.filter
def pretty(value: Any) -> str:
    """JSON as a person reads it."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@register.simple_tag(takes_context=True)
def record_href(context: Context, target_type: str, target_id: int) -> str:
    """Where the record tells this story whole, for those who may read it; empty for others."""
    request = getattr(context, "request", None)
    try:
        href = reverse("console:record_timeline", args=[target_type, target_id])
    except NoReverseMatch:
        return ""
    rule = getattr(resolve(href).func, "page_rule", None)
    return href if request is not None and callable(rule) and rule(request.actor) else ""
