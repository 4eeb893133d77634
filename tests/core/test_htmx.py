import json

import pytest
from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage
from django_htmx.middleware import HtmxDetails

from apps.core.htmx import moved, render_page, written


@pytest.fixture
def asked(rf):
    """A request as a browser or htmx makes it."""

    def make(**headers):
        request = rf.get("/somewhere/", headers=headers)
        request.htmx = HtmxDetails(request)
        request._messages = CookieStorage(request)
        return request

    return make


@pytest.fixture
def by_htmx(asked, htmx):
    return asked(**htmx("dialog"))


def test_a_write_answers_htmx_with_events_and_no_markup(by_htmx):
    response = written(by_htmx, changed=["grant", "order"], otherwise="/grants/", said="Revoked.")

    assert response.status_code == 204
    assert response.content == b""
    assert json.loads(response["HX-Trigger"]) == {
        "grant:changed": {},
        "order:changed": {},
        "said": {"text": "Revoked."},
    }


def test_a_write_without_javascript_redirects_and_says_so_there(asked):
    request = asked()

    response = written(request, changed="grant", otherwise="/grants/", said="Revoked.")

    assert (response.status_code, response["Location"]) == (302, "/grants/")
    assert [str(message) for message in get_messages(request)] == ["Revoked."]


def test_a_write_that_leads_elsewhere_takes_htmx_along(by_htmx):
    response = moved(by_htmx, to="/grants/5/")

    assert response["HX-Redirect"] == "/grants/5/"


@pytest.mark.parametrize(
    ("headers", "template"),
    [
        ({}, "core/empty.html"),
        ({"HX-Request": "true", "HX-Target": "listing"}, "core/empty.html#listing"),
        ({"HX-Request": "true", "HX-Target": "elsewhere"}, "core/empty.html"),
        ({"HX-Request": "true", "HX-Target": "listing", "HX-Boosted": "true"}, "core/empty.html"),
        (
            {
                "HX-Request": "true",
                "HX-Target": "listing",
                "HX-History-Restore-Request": "true",
            },
            "core/empty.html",
        ),
    ],
)
def test_only_a_declared_region_is_rendered_alone(asked, headers, template):
    response = render_page(asked(**headers), "core/empty.html", {}, regions=["listing"])

    assert response.template_name == template
    assert response["Vary"] == "HX-Request, HX-Target"
