import pytest

from tests.activity.trails import kept
from tests.findings import recorded
from tests.findings.conftest import agent, as_identity, binding, identity, of_agent
from tests.findings.recorded import ago, call, told

__all__ = ["agent", "as_identity", "binding", "identity", "of_agent"]


@pytest.fixture
def whole_log(identity):
    return recorded.whole_log(identity.system)


@pytest.fixture
def some_trail(as_identity, of_agent):
    """Of three calls one is proven; of three deeds one is confirmed, one failed, one missed."""
    kept(call(request_id="R1"), call("s3:PutObject"), call(request_id="R2"), whose=as_identity)
    kept(
        told("invocation", "refund round"),
        told(request_id="R1", system="aws"),
        told("call", request_id="R9", system="aws", moment=ago(3, hours=1)),
        told("action", "refund", outcome="failed"),
        whose=of_agent,
    )
