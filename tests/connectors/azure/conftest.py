import pytest

from apps.connectors.adapters.azure import AzureAdapter
from apps.connectors.adapters.azure_calls import AzureCalls
from tests.servers.azure import certificate_in, serving
from tests.servers.azure_state import TENANT


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    return certificate_in(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def azure(files, monkeypatch):
    monkeypatch.setattr(AzureCalls, "waits", (0.01, 0.01))
    with serving(files) as server:
        yield server


@pytest.fixture
def make(azure, files):
    """Make a connection; what is given changes its settings."""

    def made(**more):
        told = {
            "tenant": TENANT,
            "vaults": [f"https://{host}" for host in azure.vaults],
            "auth": "secret",
            "client_id": azure.applications[azure.own]["appId"],
            "client_secret": "env:COUNTERSIGN_SECRET_AZURE",
            "graph_address": azure.address,
            "login_address": azure.address,
            "ca_file": str(files[0]),
            **more,
        }
        secrets = {"env:COUNTERSIGN_SECRET_AZURE": azure.own_secret}
        return AzureAdapter(told, secrets.__getitem__)

    return made


@pytest.fixture
def adapter(make):
    return make()


@pytest.fixture
def vault(azure):
    """The first key vault: its address, and what it holds."""
    host, held = next(iter(azure.vaults.items()))
    return f"https://{host}", held
