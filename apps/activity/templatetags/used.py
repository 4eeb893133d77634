"""Parts of pages that tell what an agent did, and whether that can be told."""

from collections.abc import Iterable
from datetime import date

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.activity.selectors.agents import Cell
from apps.activity.states import Told

register = template.Library()

STYLES = {
    Told.YES: "state state-active",
    Told.PARTLY: "state state-suspended",
    Told.NO: "state state-failed",
    Told.UNKNOWN: "state state-retired",
}

HOURS = mark_safe("".join(f'<th scope="col">{hour}</th>' for hour in range(24)))  # noqa: S308
# What is more is said to who cannot see the shade, and in the title.
MOST_DRAWN = 99


@register.simple_tag
def heat_hours() -> SafeString:
    """The hours of the day, as heads of columns."""
    return HOURS


@register.simple_tag
def heat_cells(cells: Iterable[Cell]) -> SafeString:
    """How often in each hour of the day. Nothing in them comes from anybody: figures alone."""
    return mark_safe("".join(_drawn(one) for one in cells))  # noqa: S308


def _drawn(cell: Cell) -> str:
    if not cell.count:
        return f'<td class="heat-{cell.shade}"></td>'
    words = str(cell.count)
    if cell.count > MOST_DRAWN:
        words = f'{MOST_DRAWN}+<span class="visually-hidden">: {words}</span>'
    title = f"{cell.count} between {cell.hour}:00 and {cell.hour}:59"
    return f'<td class="heat-{cell.shade}"><span title="{title}">{words}</span></td>'


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
