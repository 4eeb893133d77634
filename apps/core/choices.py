"""The choices of a form's field as HTML.

Django includes up to three templates for each. Where a field offers every person, or every verb
of the record, that was most of what a page cost.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe


def drawn_options(options: Iterable[Mapping[str, Any]]) -> SafeString:
    """The choices of a `select`."""
    return format_html_join(
        "\n",
        '<option value="{}"{}>{}</option>',
        ((one["value"], drawn_attributes(one["attrs"]), one["label"]) for one in options),
    )


def drawn_inputs(options: Iterable[Mapping[str, Any]]) -> SafeString:
    """Boxes to tick, or radio buttons, each with its label."""
    return format_html_join(
        "\n",
        '<label class="form-check"{}><input type="{}" name="{}" class="form-check-input"'
        ' value="{}"{}><span class="form-check-label">{}</span></label>',
        (
            (
                _for(one),
                one["type"],
                one["name"],
                one["value"],
                drawn_attributes(one["attrs"]),
                one["label"],
            )
            for one in options
        ),
    )


def drawn_attributes(attributes: Mapping[str, Any]) -> SafeString:
    """What a field's own element carries besides its class."""
    drawn = (
        f" {conditional_escape(name)}"
        if value is True
        else f' {conditional_escape(name)}="{conditional_escape(value)}"'
        for name, value in attributes.items()
        if value is not False and name != "class"
    )
    return mark_safe("".join(drawn))  # noqa: S308  (each part is escaped)


def _for(option: Mapping[str, Any]) -> str:
    key = option["attrs"].get("id")
    return format_html(' for="{}"', key) if key else ""
