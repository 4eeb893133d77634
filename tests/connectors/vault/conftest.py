import os

import pytest

from apps.connectors.adapters.vault_calls import VaultCalls
from tests.connectors.vault.world import build
from tests.servers.vault import serving
from tests.servers.vault_state import ROOT

REAL = os.environ.get("COUNTERSIGN_TEST_VAULT_ADDR")


@pytest.fixture
def world():
    """A Vault of one's own: a small one, or a real one where its address is given."""
    if REAL:
        made = build(REAL, os.environ["COUNTERSIGN_TEST_VAULT_TOKEN"])
        yield made
        made.clear()
        return
    with serving() as (_, address):
        yield build(address, ROOT)


@pytest.fixture
def adapter(world):
    return world.adapter()


@pytest.fixture
def fake(monkeypatch):
    """The small Vault itself, for what no real one does when asked. Yields it and its world."""
    monkeypatch.setattr(VaultCalls, "waits", (0.01, 0.01))
    with serving() as (server, address):
        yield server, build(address, ROOT)
