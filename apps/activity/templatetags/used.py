"""Parts of pages that tell whether what an agent did can be told."""

from datetime import date

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.activity.states import Told

register = template.Library()

STYLES = {
    Told.YES: "state state-active",
    Told.PARTLY: "state state-suspended",
    Told.NO: "state state-failed",
    Told.UNKNOWN: "state state-retired",
}


@register.simple_tag
def told_badge(value: str | None) -> SafeString:
    """The verdict in its words; that nobody has given one is said too."""
    if not value:
        return format_html('<span class="text-secondary">{}</span>', "never checked")
    told = Told(value)
    return format_html('<span class="badge {}">{}</span>', STYLES[told], told.label)


@register.filter
def is_past(day: date) -> bool:
    return day < timezone.localdate()
