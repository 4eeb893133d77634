"""`verify.html`, out of the zip, in a browser that may reach nothing."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from apps.evidence.verify import verify
from tests.bench.verifier import make
from tests.e2e.evidence import member, tampered
from tests.e2e.visitor import PATIENCE

pytestmark = pytest.mark.e2e
PAGE = Path(verify.__file__).with_name("verify.html").as_uri()
HOLDS = "Every claim that this page checks holds."


def said(page, package, keys=None) -> tuple[str, list[str]]:
    """What the page says at last, and which claims fail."""
    page.goto(PAGE)
    if keys:
        page.locator("#keys").set_input_files(keys)
    page.locator("#package").set_input_files(package)
    result = page.get_by_role("status")
    expect(result).to_contain_text("hold", timeout=PATIENCE)
    return result.inner_text(), page.locator("li.fail").all_inner_texts()


def test_the_page_in_the_package_checks_it_without_a_network(page, tmp_path):
    package, keys = make(tmp_path, 300)
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    assert said(page, package, keys) == (HOLDS, [])
    assert (
        "Its 300 records stand in the log activity" in page.locator("li.pass").all_inner_texts()[7]
    )
    assert asked == [PAGE]


def test_the_page_names_what_was_changed(page, tmp_path):
    package, keys = make(tmp_path, 300)
    lines = member(package, "data/events.jsonl").replace(b"order/7", b"order/8", 1)
    changed = tampered(package, "changed.zip", {"data/events.jsonl": lines})

    words, failed = said(page, changed, keys)

    assert words == "The package does not hold: 2 of the claims fail."
    assert "data/events.jsonl was changed" in failed[0]
    assert "do not lead to the root that was signed" in failed[1]


def test_the_page_knows_a_key_that_is_another(page, tmp_path):
    package, _keys = make(tmp_path, 30)
    other = tmp_path / "other.json"
    other.write_text('{"keys": [], "logs": []}')

    _, failed = said(page, package, other)

    assert "signed with a key that is not known" in failed[0]
    assert "signed with a key that is not known" in failed[1]
