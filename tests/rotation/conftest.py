import pytest

from apps.connectors.adapters.vault_calls import VaultCalls
from apps.rotation.services.running import Hand
from tests.connectors.vault.world import build
from tests.rotation.company import AwsCompany, VaultCompany
from tests.servers.vault import serving
from tests.servers.vault_state import ROOT


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """The servers of the tests know a new key at once."""
    monkeypatch.setattr(Hand, "waits", (0, 0.01))
    monkeypatch.setattr(VaultCalls, "waits", (0.01,))


@pytest.fixture
def vault(db, monkeypatch):
    with serving() as (server, address):
        company = VaultCompany(build(address, ROOT), monkeypatch)
        company.server = server
        yield company


@pytest.fixture
def aws(db, ministack, monkeypatch):
    return AwsCompany(ministack, monkeypatch)
