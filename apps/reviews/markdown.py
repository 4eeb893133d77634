"""Instructions are Markdown by stewards: no HTML of theirs, and no pictures, reaches a page."""

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_READER = MarkdownIt("commonmark", {"html": False, "linkify": False}).disable("image")


def rendered(text: str) -> SafeString:
    page: str = _READER.render(text)
    return mark_safe(page)  # noqa: S308  (raw HTML is off, so all of it is ours)
