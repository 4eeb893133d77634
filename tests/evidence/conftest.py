import pytest


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    """A data directory of the test's own: keys, proofs, and packages."""
    settings.DATA_DIR = tmp_path / "data"
    settings.EVIDENCE_KEY_FILE = ""
    return settings.DATA_DIR
