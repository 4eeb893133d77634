import pytest

from apps.core.actors import Person
from tests.factories.accounts import UserFactory
from tests.remediation.aws import Company


@pytest.fixture
def company(ministack, monkeypatch):
    return Company(ministack, monkeypatch)


@pytest.fixture
def other(db):
    """Another steward than the one who acts."""
    return Person(UserFactory(role="steward"))


@pytest.fixture
def person(steward):
    return Person(steward)
