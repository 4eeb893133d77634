"""Where a connection may lead: its provider's own hosts, and those an operator has named."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from django.urls import reverse

from apps.connectors.adapters.azure_calls import AzureCalls
from apps.connectors.adapters.live import Refused
from apps.connectors.models import Connection
from apps.connectors.services import connections
from apps.connectors.services.hosts import HostRefused, hosts_check
from apps.connectors.states import ConnectionState
from apps.connectors.tasks import discover
from apps.core.actors import Person
from tests.factories.connectors import ConnectionFactory

TOKEN = "COUNTERSIGN_SECRET_VAULT_TOKEN"


@pytest.fixture
def listener():
    """A host of somebody's own; what it was asked, with its headers."""
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append((self.path, dict(self.headers)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.heard = heard
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def told(listener, monkeypatch):
    monkeypatch.setenv(TOKEN, "hvs.the-token-of-the-house")
    return {
        "address": f"http://127.0.0.1:{listener.server_port}",
        "auth": "token",
        "token": f"env:{TOKEN}",
    }


def test_one_steward_alone_sends_no_token_to_a_host_of_their_own(
    as_steward, settings, told, listener
):
    settings.CONNECTION_HOSTS = []
    form = {**told, "name": "Mine", "every_minutes": 60}

    added = as_steward.post(reverse("connectors:connection_new", args=["vault"]), form)

    assert added.status_code == 422
    page = added.content.decode()
    assert "127.0.0.1 is no host of HashiCorp Vault or OpenBao" in page
    assert "CONNECTION_HOSTS" in page
    assert not Connection.objects.exists()


def test_a_connection_cannot_be_changed_to_lead_there(steward, settings, told):
    settings.CONNECTION_HOSTS = ["vault.example.com"]
    connection = ConnectionFactory(
        kind="vault", told={**told, "address": "https://vault.example.com"}
    )

    with pytest.raises(HostRefused, match="CONNECTION_HOSTS"):
        connections.connection_change(
            connection_id=connection.pk,
            name=connection.name,
            told=told,
            every_minutes=60,
            calls_per_second=10,
            may_issue=False,
            actor=Person(steward),
        )

    connection.refresh_from_db()
    assert connection.told["address"] == "https://vault.example.com"


def test_one_that_is_there_already_is_not_spoken_to_either(steward, settings, told, listener):
    connection = ConnectionFactory(kind="vault", told=told, state=ConnectionState.DRAFT)
    settings.CONNECTION_HOSTS = []

    tested = connections.connection_test(connection_id=connection.pk, actor=Person(steward))

    assert "CONNECTION_HOSTS" in tested.problem
    assert listener.heard == []


def test_a_reading_of_it_says_so_too(db, settings, told, listener, system):
    connection = ConnectionFactory(kind="vault", told=told)
    settings.CONNECTION_HOSTS = []

    job = connections.connection_read(connection_id=connection.pk, actor=system)
    discover(job.pk)

    connection.refresh_from_db()
    assert listener.heard == []
    assert "CONNECTION_HOSTS" in connection.problem


def test_a_host_that_the_operator_named_is_spoken_to(steward, settings, told, listener):
    settings.CONNECTION_HOSTS = ["127.0.0.1"]
    connection = ConnectionFactory(kind="vault", told=told, state=ConnectionState.DRAFT)

    connections.connection_test(connection_id=connection.pk, actor=Person(steward))

    assert listener.heard


OWN = [
    ("aws", {"endpoint": "https://sts.eu-west-1.amazonaws.com"}),
    ("aws", {"endpoint": "https://iam.amazonaws.com"}),
    ("aws", {"endpoint": "https://secretsmanager.cn-north-1.amazonaws.com.cn"}),
    ("aws", {"regions": ["us-east-1"]}),
    ("azure", {"vaults": ["crm", "https://crm.vault.azure.net", "https://crm.vault.azure.cn"]}),
    ("azure", {"graph_address": "https://graph.microsoft.us"}),
    ("azure", {"login_address": "https://login.microsoftonline.com/"}),
]
STRANGE = [
    ("aws", {"endpoint": "https://aws.example.com"}),
    ("aws", {"endpoint": "http://sts.eu-west-1.amazonaws.com"}),
    ("aws", {"endpoint": "https://bucket.s3.amazonaws.com"}),
    ("aws", {"endpoint": "https://mine-1.us-east-1.elb.amazonaws.com"}),
    ("aws", {"endpoint": "https://ec2-1-2-3-4.compute-1.amazonaws.com"}),
    ("aws", {"endpoint": "https://iam.amazonaws.com.example.com"}),
    ("aws", {"endpoint": "https://169.254.169.254"}),
    ("aws", {"endpoint": "http://[::ffff:169.254.169.254]/"}),
    ("azure", {"vaults": ["example.com/"]}),
    ("azure", {"vaults": ["example.com#"]}),
    ("azure", {"vaults": ["https://vault.example.com"]}),
    ("azure", {"vaults": ["http://crm.vault.azure.net"]}),
    ("azure", {"graph_address": "https://graph.microsoft.com.example.com"}),
    ("azure", {"graph_address": "https://example.com\\@graph.microsoft.com"}),
    ("azure", {"login_address": "https://login.microsoftonline.com@example.com"}),
    ("azure", {"login_address": "https://login.microsoftonline.com\n.example.com"}),
    ("vault", {"address": "https://iam.amazonaws.com"}),
    ("vault", {"address": "https://crm.vault.azure.net"}),
    ("vault", {"address": "ftp://127.0.0.1"}),
    ("vault", {"address": "http://vault.example.org"}),
    ("vault", {"address": "127.0.0.1"}),
]


@pytest.mark.parametrize(("kind", "told"), OWN)
def test_hosts_of_the_providers_own_need_no_setting(settings, kind, told):
    settings.CONNECTION_HOSTS = []

    hosts_check(kind, told)


@pytest.mark.parametrize(("kind", "told"), STRANGE)
def test_whatever_else_looks_like_one_is_refused(settings, kind, told):
    settings.CONNECTION_HOSTS = ["vault.example.org", "iam.example.com"]

    with pytest.raises(HostRefused):
        hosts_check(kind, told)


def test_a_host_is_named_in_any_case_and_spoken_to_by_https(settings):
    settings.CONNECTION_HOSTS = ["Vault.Example.org"]

    hosts_check("vault", {"address": "https://vault.EXAMPLE.org:8200/v1-proxy"})


def test_a_key_vault_that_only_an_import_names_is_not_sent_a_token():
    calls = AzureCalls({"tenant": "t", "vaults": ["crm"]}, lambda _: "")

    calls._for_vault("https://CRM.vault.azure.net")
    with pytest.raises(Refused, match="does not speak for the key vault"):
        calls.secrets("https://vault.example.com")
