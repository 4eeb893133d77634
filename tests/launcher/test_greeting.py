"""Whom the demo greets with the password that it made them with."""

from datetime import timedelta

import pytest

from config.launcher import demo
from config.launcher.data import DataDirectory
from tests.factories.accounts import UserFactory
from tests.processes import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("launcher")]


@pytest.fixture
def url():
    return database_url()


@pytest.fixture
def greeting(tmp_path, url, capsys):
    data = DataDirectory(tmp_path)
    password = data.secret("demo_password")

    def greeted():
        environment = {"DATABASE_URL": url, "INGEST_URL": "http://localhost:4318"}
        demo._greet(data, 8000, environment)
        said = capsys.readouterr().out
        return demo.ADMINISTRATOR in said, password in said

    greeted.data = data
    return greeted


def test_of_a_database_that_was_brought_along_no_password_is_said(greeting, url, monkeypatch):
    """Its people have their own, though their addresses are those of the demo."""
    monkeypatch.setenv("DATABASE_URL", url)
    theirs = UserFactory(email=demo.ADMINISTRATOR)

    assert greeting() == (True, False)

    with demo._stamp(greeting.data).open("a") as stamp:
        stamp.write(f"{demo._joined(url)}\n")
    assert greeting() == (True, True)
    theirs.date_joined -= timedelta(days=1)
    theirs.save()
    assert greeting() == (True, False)


def test_of_its_own_database_it_is_said(greeting, monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    UserFactory(email=demo.ADMINISTRATOR)

    assert greeting() == (True, True)
