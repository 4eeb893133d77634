import pytest
from django.core.cache import cache

import apps.findings.tasks
import apps.issuing.tasks  # noqa: F401  (jobs asked for by name run where a test commits)
from apps.connectors.adapters.vault_calls import VaultCalls
from tests.connectors.vault.world import build
from tests.issuing.house import broken_database, build_house, mended_database
from tests.servers.vault import serving
from tests.servers.vault_state import ROOT


@pytest.fixture(autouse=True)
def nobody_has_called_yet():
    cache.clear()


@pytest.fixture
def vault(monkeypatch):
    """The small Vault itself, and a company's world on it."""
    monkeypatch.setattr(VaultCalls, "waits", (0.01, 0.01))
    with serving() as (server, address):
        yield server, build(address, ROOT)


@pytest.fixture
def server(vault):
    return vault[0]


@pytest.fixture
def house(transactional_db, vault, monkeypatch):
    return build_house(vault[1], monkeypatch)


@pytest.fixture
def out_of_order():
    yield broken_database
    mended_database()
