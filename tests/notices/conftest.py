import pytest

from tests.factories.notices import RouteFactory
from tests.notices.servers import PagerDuty, Receiver, Slack, serving


@pytest.fixture
def allowed_inside(settings):
    settings.OUTBOUND_INTERNAL_HOSTS = ["localhost"]


@pytest.fixture
def pagerduty(settings, monkeypatch, allowed_inside):
    with serving(PagerDuty()) as server:
        settings.PAGERDUTY_EVENTS_URL = server.url
        monkeypatch.setenv("COUNTERSIGN_SECRET_TEST_PAGER", server.routing_key)
        yield server


@pytest.fixture
def slack(monkeypatch, allowed_inside):
    with serving(Slack()) as server:
        monkeypatch.setenv("COUNTERSIGN_SECRET_TEST_CHAT", server.url)
        yield server


@pytest.fixture
def receiver(monkeypatch, allowed_inside):
    with serving(Receiver()) as server:
        monkeypatch.setenv("COUNTERSIGN_SECRET_TEST_HOOK", server.secret)
        yield server


@pytest.fixture
def pager_route(pagerduty):
    return RouteFactory(name="Pager", pagerduty=True)


@pytest.fixture
def chat_route(slack):
    return RouteFactory(name="Chat", chat=True)


@pytest.fixture
def hook_route(receiver):
    return RouteFactory(name="Hook", webhook=True, url=receiver.url)
