"""Following a link to a list, as a person does."""

from html import unescape


def listed(client, href):
    """How many rows the list there counts."""
    page = client.get(unescape(href))
    assert page.status_code == 200
    return page.context["listing"].count.value
