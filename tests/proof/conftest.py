import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from apps.proof.memory import Memory


@pytest.fixture
def key():
    return Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)


@pytest.fixture
def memory(tmp_path):
    folder = tmp_path / "signer"
    folder.mkdir()
    return Memory(folder)


@pytest.fixture
def signer_folder(settings, tmp_path):
    """Where the commands of this test find key and memory."""
    settings.PROOF_SIGNER_KEY = str(tmp_path / "signer" / "key.pem")
    return tmp_path / "signer"
