"""A steward brings in a file: read, looked at, applied."""

import re

import pytest
from playwright.sync_api import expect

import apps.connectors.tasks
import apps.findings.tasks
import apps.grants.tasks
import apps.remediation.tasks  # noqa: F401
from apps.inventory.models import Identity, Source
from tests.connectors.adapters.reading import FIXTURES

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}
BROKEN = '{"UserDetailList": [\n{"Arn": }\n]}'


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def upload_page(signed_in, live_server, steward, silent_console):
    page = signed_in(steward)
    page.goto(f"{live_server.url}/sources/")
    page.get_by_role("link", name="Bring in a file").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bring in a file")
    return page


@pytest.mark.parametrize("width", [1440, 390])
def test_a_file_is_read_looked_at_and_applied(upload_page, assert_accessible, width):
    page = upload_page
    page.set_viewport_size({"width": width, "height": 900})
    assert_accessible(page)
    page.get_by_label("File", exact=True).set_input_files(FIXTURES / "aws-limits.json")
    page.get_by_role("button", name="Read it").click()

    expect(page.get_by_role("heading", name="What would change")).to_be_visible()
    assert not Identity.objects.exists()
    assert_accessible(page)
    page.get_by_role("button", name="Apply").click()

    page.get_by_role("link", name="See the source").click()
    expect(page).to_have_url(re.compile(r"/sources/\d+/$"))
    expect(page.get_by_text("12 read, 12 accepted, 0 rejected")).to_be_visible()
    assert_accessible(page)
    assert Identity.objects.count() == 9


def test_a_refused_file_says_where_and_why(upload_page, assert_accessible, tmp_path):
    page = upload_page
    path = tmp_path / "broken.json"
    path.write_text(BROKEN)
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_role("button", name="Read it").click()

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("This is not valid JSON")
    expect(alert).to_contain_text("line 2, column 9")
    assert_accessible(page)
    assert not Source.objects.exists()


def test_a_form_without_a_file_says_so_in_place(upload_page):
    upload_page.get_by_role("button", name="Read it").click()

    expect(upload_page.get_by_text("This field is required")).to_be_visible()
    expect(upload_page.get_by_role("heading", level=1)).to_have_text("Bring in a file")
