"""Secrets that a secret manager keeps: read as this process, where the operator said so."""

import json
import logging
import socket
from secrets import token_hex

import pytest

from apps.connectors.adapters.live import Unavailable
from apps.connectors.services.adapters import adapter_of
from apps.core import secret_managers
from apps.core.references import (
    SHAPE,
    ReferenceRefused,
    ReferenceUnavailable,
    reference_read,
    reference_validate,
)
from config import env
from tests.factories.connectors import ConnectionFactory
from tests.servers import azure_keyvault
from tests.servers.azure import certificate_in, serving

SECRET = "hunter2-hunter2"


@pytest.fixture(autouse=True)
def as_another_process(settings):
    """Clients are kept for as long as a process lives; each test is one of its own."""
    settings.SECRET_MANAGERS = ["aws-secret:countersign/", "aws-secret:arn:aws:"]
    secret_managers._aws.cache_clear()
    secret_managers._azure.cache_clear()
    yield
    secret_managers._aws.cache_clear()
    secret_managers._azure.cache_clear()


@pytest.fixture
def aws(moto, monkeypatch):
    """What this process is in AWS, and a way to keep something there."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", moto.root.id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", moto.root.secret)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto.endpoint)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    there = moto.client("secretsmanager", region="eu-west-1")

    def kept(**value):
        made = there.create_secret(Name=f"countersign/{token_hex(6)}", **value)
        return made["Name"], made["ARN"]

    return kept


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return certificate_in(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def vault(files, monkeypatch, settings):
    """A key vault that knows this host; its address, and the fake behind it."""
    with serving(files) as azure:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(files[0]))
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{azure.address}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", azure.own_secret)
        for name in ("AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_ID", "IDENTITY_SERVER_THUMBPRINT"):
            monkeypatch.delenv(name, raising=False)
        settings.SECRET_MANAGERS = [f"azure-secret:{azure.address}/secrets/"]
        azure.kept = azure.vaults[azure.address.removeprefix("https://")]
        yield azure


def refusal(reference):
    with pytest.raises(ReferenceRefused) as refused:
        reference_read(reference)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    return str(refused.value)


def test_one_of_aws_is_read_by_name_and_by_arn(aws):
    name, arn = aws(SecretString=f"{SECRET}\n")

    assert reference_read(f"aws-secret:{name}") == SECRET
    assert reference_read(f"aws-secret:{arn}") == SECRET


def test_one_value_of_a_json_object_is_picked(aws):
    name, _ = aws(SecretString=json.dumps({"user": "ada", "password": SECRET, "port": 5432}))

    assert reference_read(f"aws-secret:{name}#password") == SECRET
    assert refusal(f"aws-secret:{name}#other").endswith("holds no text under that key.")
    assert refusal(f"aws-secret:{name}#port").endswith("holds no text under that key.")


def test_what_cannot_be_used_is_refused_without_telling_it(aws):
    text, _ = aws(SecretString=SECRET)
    listed, _ = aws(SecretString=json.dumps([SECRET]))
    binary, _ = aws(SecretBinary=SECRET.encode())

    for reference, said in [
        (f"{text}#key", "holds no JSON"),
        (f"{listed}#key", "holds no text under that key"),
        (binary, "bytes, not text"),
        ("countersign/not-there", "Secrets Manager said ResourceNotFoundException"),
    ]:
        told = refusal(f"aws-secret:{reference}")
        assert said in told
        assert SECRET not in told


def test_a_name_without_any_region_says_what_to_do(aws, monkeypatch):
    name, arn = aws(SecretString=SECRET)
    monkeypatch.delenv("AWS_REGION")

    assert "set AWS_REGION" in refusal(f"aws-secret:{name}")
    assert reference_read(f"aws-secret:{arn}") == SECRET


def test_a_process_without_an_identity_says_so(aws, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    assert "NoCredentialsError" in refusal("aws-secret:countersign/any")


def test_nothing_is_read_that_the_operator_did_not_name(aws, settings):
    name, arn = aws(SecretString=SECRET)
    settings.SECRET_MANAGERS = ["aws-secret:countersign-other/"]

    for one in (name, arn):
        assert "SECRET_MANAGERS" in refusal(f"aws-secret:{one}")
    settings.SECRET_MANAGERS = []
    assert "SECRET_MANAGERS" in refusal("azure-secret:https://crm.vault.azure.net/secrets/db")


def test_one_that_does_not_answer_may_yet(aws, monkeypatch, db):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{probe.getsockname()[1]}")
    reference = "aws-secret:countersign/any"
    with pytest.raises(ReferenceUnavailable):
        reference_read(reference)

    # An order of a connection waits for it, and does not go to a person.
    told = {"auth": "references", "access_key_id": reference, "secret_access_key": reference}
    adapter = adapter_of(ConnectionFactory(told={**told, "regions": ["us-east-1"]}))
    with pytest.raises(Unavailable, match="cannot be read"):
        adapter.accounts()


def test_one_of_key_vault_is_read_as_the_managed_identity_of_the_host(vault):
    old = azure_keyvault.make(vault.kept, "secrets", "db", value="the one before")
    azure_keyvault.make(vault.kept, "secrets", "db", value=SECRET)
    reference = f"azure-secret:{vault.address}/secrets/db"

    assert reference_read(reference) == SECRET
    assert reference_read(f"{reference}/{old}") == "the one before"


def test_key_vault_refuses_in_its_own_words_but_for_the_secret(vault):
    azure_keyvault.make(vault.kept, "secrets", "db", value=SECRET, enabled=False)

    assert "Key Vault said 403" in refusal(f"azure-secret:{vault.address}/secrets/db")
    assert "Key Vault said 404" in refusal(f"azure-secret:{vault.address}/secrets/none")


def test_a_host_without_an_identity_in_azure_says_so(vault, monkeypatch):
    monkeypatch.setenv("IDENTITY_HEADER", "another")

    assert "no identity" in refusal(f"azure-secret:{vault.address}/secrets/db")


def test_nothing_of_a_secret_is_logged(aws, vault, settings, caplog):
    settings.SECRET_MANAGERS = ["aws-secret:", *settings.SECRET_MANAGERS]
    name, _ = aws(SecretString=json.dumps({"a": SECRET}))
    azure_keyvault.make(vault.kept, "secrets", "db", value=SECRET)
    caplog.set_level(logging.DEBUG)

    assert reference_read(f"aws-secret:{name}#a") == SECRET
    assert reference_read(f"azure-secret:{vault.address}/secrets/db") == SECRET

    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "reference",
    [
        "aws-secret:",
        "aws-secret:a b",
        "aws-secret:countersign/a#",
        "aws-secret:countersign/a#b#c",
        "aws-secret:arn:aws:iam::123456789012:user/x",
        "azure-secret:http://crm.vault.azure.net/secrets/db",
        "azure-secret:https://crm.vault.azure.net/keys/db",
        "azure-secret:https://crm.vault.azure.net@example.com/secrets/db",
        "azure-secret:https://crm.vault.azure.net/secrets/../x",
        "azure-secret:https://crm.vault.azure.net/secrets/db\n",
        "vault-secret:kv/crm",
    ],
)
def test_nothing_else_has_the_shape_of_one(settings, reference):
    settings.SECRET_MANAGERS = ["aws-secret:", "azure-secret:"]

    assert refusal(reference) == SHAPE


def test_a_form_takes_them():
    reference_validate("aws-secret:countersign/pager#key")
    reference_validate("azure-secret:https://crm.vault.azure.net/secrets/pager")


@pytest.mark.parametrize("named", ["aws-secret:", "azure-secret:https://crm", "file:a", "any"])
def test_the_setting_names_whole_hosts(monkeypatch, named):
    monkeypatch.setenv("SECRET_MANAGERS", named)

    with pytest.raises(env.Misconfigured, match="SECRET_MANAGERS names"):
        env.secret_managers("SECRET_MANAGERS")
