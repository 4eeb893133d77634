import pytest

from apps.activity.headers import Whose
from tests.factories.inventory import BindingFactory


@pytest.fixture
def binding(db):
    return BindingFactory(agent__name="helper", identity__system__kind="aws")


@pytest.fixture
def agent(binding):
    return binding.agent


@pytest.fixture
def identity(binding):
    return binding.identity


@pytest.fixture
def as_identity(identity):
    return Whose(identity_id=identity.pk, system_id=identity.system_id)


@pytest.fixture
def of_agent(agent):
    return Whose(agent_id=agent.pk, agent=agent.name)
