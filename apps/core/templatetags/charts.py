"""Small pictures of figures, drawn in the page itself: SVG without styles or scripts."""

from collections.abc import Sequence

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

WIDTH, HEIGHT, GAP = 110, 26, 2


@register.simple_tag
def spark(weeks: Sequence[int], known: Sequence[bool] = ()) -> SafeString:
    """Calls a week as bars, oldest first. A week the log does not cover is drawn as not known.

    Read aloud, it is the same figures in words.
    """
    most = max(weeks, default=0) or 1
    step = WIDTH / max(1, len(weeks))
    known = known or [True] * len(weeks)
    bars = format_html_join(
        "",
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}"></rect>',
        (
            _bar(at * step, step - GAP, calls, is_known=is_known, most=most)
            for at, (calls, is_known) in enumerate(zip(weeks, known, strict=True))
        ),
    )
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>',
        WIDTH,
        HEIGHT,
        _said(weeks, known),
        bars,
    )


def _bar(x: float, width: float, calls: int, *, is_known: bool, most: int) -> tuple:
    """Class, left, top, width, height. What was seen is drawn, whether or not all is known."""
    if calls:
        height = max(3.0, HEIGHT * calls / most)
        return "c", f"{x:.1f}", f"{HEIGHT - height:.1f}", f"{width:.1f}", f"{height:.1f}"
    if is_known:
        return "z", f"{x:.1f}", HEIGHT - 2, f"{width:.1f}", 2
    return "u", f"{x:.1f}", HEIGHT - 6, f"{width:.1f}", 5


def _said(weeks: Sequence[int], known: Sequence[bool]) -> str:
    told = (
        str(calls) if calls or is_known else "not known"
        for calls, is_known in zip(weeks, known, strict=True)
    )
    return f"Calls a week, oldest first: {', '.join(told)}"
