"""A scanner reports by API: what it found is looked at, and forgotten."""

import json
import logging

import pytest

from apps.remediation.models import Leak
from tests.factories.inventory import CredentialFactory
from tests.issuing.test_secrets import tables_with

pytestmark = pytest.mark.django_db

KEY = "AKIAQYLPMN5HFIQR7XYA"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzzzz"


def alert(**more):
    return {
        "secret": f"{KEY} {SECRET}",
        "html_url": "https://git.example.com/crm/blob/1#L3",
        **more,
    }


def test_a_key_of_the_inventory_is_marked_and_the_scanner_learns_no_more(caller, caplog):
    caplog.set_level(logging.DEBUG)
    credential = CredentialFactory(external_id=KEY, kind="access-key")

    answer = caller.post("leaks", body=alert())

    assert (answer.status_code, answer.json()) == (200, {"reported": 1, "known": True})
    leak = Leak.objects.get()
    assert (leak.credential, leak.found_at) == (credential, alert()["html_url"])
    assert leak.reported_by_label == str(caller.client)
    assert SECRET not in caplog.text + repr([vars(one) for one in caplog.records])
    assert tables_with(SECRET) == []


def test_what_nobody_knows_is_reported_too_and_once(caller):
    answers = [caller.post("leaks", body=alert()) for _ in range(2)]

    assert {one.text for one in answers} == {json.dumps({"reported": 1, "known": False})}
    assert Leak.objects.count() == 1


def test_an_alert_that_names_nothing_is_refused_and_not_repeated(caller):
    answer = caller.post("leaks", body={"secret": "hunter2"})

    assert answer.status_code == 422
    assert "hunter2" not in answer.text
    assert not Leak.objects.exists()


@pytest.mark.parametrize("odd", ["\\u0000", "\\ud800", "\\ud83d", "é"])
def test_odd_characters_break_nothing(caller, odd):
    body = json.dumps(alert()).replace("blob", f"bl{odd}b").replace(SECRET, f"{SECRET} {odd}")

    answer = caller.post("leaks", body=body)

    assert answer.status_code == 200
    assert Leak.objects.get().found_at.startswith("https://git.example.com/crm/bl")


@pytest.mark.parametrize("body", ["[]", "1", '"text"', "null"])
def test_an_alert_is_an_object(caller, body):
    assert caller.post("leaks", body=body).status_code == 422
