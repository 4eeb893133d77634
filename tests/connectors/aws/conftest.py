import time
from secrets import token_hex

import pytest

from tests.connectors.aws.faulty import Faulty


@pytest.fixture
def name():
    """A name that no other test uses on the same server."""
    return f"test-{token_hex(6)}"


@pytest.fixture
def later():
    """Wait until a session counts as newer: their times have no parts of a second."""
    return lambda: time.sleep(2.1)


@pytest.fixture
def faulty():
    server = Faulty()
    yield server
    server.server.shutdown()
    server.server.server_close()
