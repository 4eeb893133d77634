"""Every URL of ours against every kind of reader: nothing is open that was not declared so."""

import importlib
import pkgutil
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.architecture import url_rows
from tests.architecture.url_matrix import DONE, LOGIN, OUTSIDE, Row, own_urls
from tests.factories.accounts import SeatFactory, UserFactory
from tests.signing_in import sign_in

ROWS: dict[str, Row] = {}
for _module in pkgutil.iter_modules(url_rows.__path__):
    ROWS |= importlib.import_module(f"{url_rows.__name__}.{_module.name}").ROWS

UNKNOWN = 2**40
READERS = {
    "anonymous": lambda: None,
    "no role": lambda: UserFactory(nobody=True),
    "ended seat": lambda: SeatFactory(ends_on=timezone.localdate() - timedelta(days=1)).user,
    "reviewer": UserFactory,
    "limited auditor": lambda: SeatFactory(limited_to_systems=True).user,
    "auditor": lambda: SeatFactory().user,
    "steward": lambda: UserFactory(steward=True),
}


def test_every_url_stands_in_the_matrix():
    urls = set(own_urls())

    assert (urls - set(ROWS), set(ROWS) - urls) == (set(), set())


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(ROWS))
def test_each_reader_gets_what_the_matrix_says(name):
    row = ROWS[name]
    address = f"{reverse(name, args=row.build())}{row.query}"

    got = {
        who: _outcome(_client(make()), row.method, address, row.outcomes[who])
        for who, make in READERS.items()
    }

    assert got == row.outcomes


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(ROWS))
def test_an_unknown_id_does_not_exist(name):
    row = ROWS[name]
    args = row.build()
    if not any(isinstance(arg, int) for arg in args):
        return
    unknown = [UNKNOWN if isinstance(arg, int) else arg for arg in args]

    response = _answer(_client(UserFactory(steward=True)), row.method, reverse(name, args=unknown))

    assert response.status_code == 404


def test_the_matrix_names_every_reader():
    named = {name: set(row.outcomes) for name, row in ROWS.items()}

    assert {name for name, readers in named.items() if readers != set(READERS)} == set()
    assert set(OUTSIDE) < set(READERS)


def _client(person) -> Client:
    client = Client()
    if person is not None:
        sign_in(client, person)
    return client


def _answer(client, method, address):
    return getattr(client, method)(address)


def _outcome(client, method, address, expected):
    response = _answer(client, method, address)
    if response.status_code == 302 and response.headers["Location"].startswith("/accounts/login/"):
        return LOGIN
    if expected == DONE and response.status_code in {200, 204, 302, 400, 422}:
        return DONE
    return response.status_code
