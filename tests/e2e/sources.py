"""Bringing in a file by its page: read, looked at, applied."""

from playwright.sync_api import expect

from tests.e2e.visitor import PATIENCE


def bring_in(visitor, path, *, kind, shows):
    """Upload a file, see what would change, apply it, and go to its source."""
    page = visitor.page
    visitor.open("/sources/")
    visitor.follow("Bring in a file")
    page.get_by_label(kind).check()
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_role("button", name="Read it").click()
    preview = page.get_by_role("heading", name="What would change")
    expect(preview).to_be_visible(timeout=PATIENCE)
    for record, counts in shows.items():
        assert counts_of(page, record) == counts
    visitor.look()

    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", name="What it changed")).to_be_visible(timeout=PATIENCE)
    visitor.follow("See the source")


def counts_of(page, record):
    """New, changed, gone, back, and same, as the page shows them of one kind of record."""
    row = page.locator("tr", has=page.get_by_role("rowheader", name=record, exact=True))
    return [int(cell) for cell in row.locator("td").all_text_contents()]
