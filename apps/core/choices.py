"""The choices of a form's field as HTML.

Django includes up to three templates for each. Where a field offers every person, or every verb
of the record, that was most of what a page cost.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


def drawn_options(options: Iterable[Mapping[str, Any]]) -> SafeString:
    """The choices of a `select`."""
    return format_html_join(
        "\n",
        '<option value="{}"{}>{}</option>',
        ((one["value"], _attributes(one), one["label"]) for one in options),
    )


def drawn_inputs(options: Iterable[Mapping[str, Any]]) -> SafeString:
    """Boxes to tick, or radio buttons, each with its label."""
    return format_html_join(
        "\n",
        '<label class="form-check"{}><input type="{}" name="{}" class="form-check-input"'
        ' value="{}"{}><span class="form-check-label">{}</span></label>',
        (
            (_for(one), one["type"], one["name"], one["value"], _attributes(one), one["label"])
            for one in options
        ),
    )


def _for(option: Mapping[str, Any]) -> str:
    key = option["attrs"].get("id")
    return format_html(' for="{}"', key) if key else ""


def _attributes(option: Mapping[str, Any]) -> SafeString:
    given = option["attrs"].items()
    return format_html_join(
        "",
        "{}",
        (
            [format_html(" {}", name) if value is True else format_html(' {}="{}"', name, value)]
            for name, value in given
            if value is not False and name != "class"
        ),
    )
