import json
from dataclasses import dataclass, field

import pytest
from django.core.cache import cache
from django.test import Client as Browser
from django.urls import reverse

from apps.core.actors import Person
from apps.inventory.models import AgentClient
from apps.inventory.services import client_create
from apps.inventory.states import APPEND_TRAIL, CLIENT_SCOPES
from tests.api.parts import collects_for
from tests.approvals.conftest import Company, company, policy
from tests.factories.inventory import AgentFactory, BindingFactory

__all__ = ["company", "policy"]


@dataclass
class Caller:
    """An agent that signs in with its secret, and calls with the token it got."""

    client: AgentClient
    secret: str
    token: str = ""
    browser: Browser = field(default_factory=lambda: Browser(raise_request_exception=False))

    def sign_in(self, **form):
        answer = self.browser.post(
            reverse("api:token"),
            {
                "grant_type": "client_credentials",
                "client_id": self.client.oauth_client_id,
                "client_secret": self.secret,
                **form,
            },
        )
        if answer.status_code == 200:
            self.token = answer.json()["access_token"]
        return answer

    def get(self, name, *args, **query):
        address = reverse(f"api:{name}", args=args)
        return self.browser.get(address, query, headers=self._headers())

    def post(self, name, *args, body=None, key="", **headers):
        return self.browser.post(
            reverse(f"api:{name}", args=args),
            body if isinstance(body, str) else json.dumps(body),
            content_type=headers.pop("content_type", "application/json"),
            headers={**self._headers(), **({"Idempotency-Key": key} if key else {}), **headers},
        )

    def _headers(self):
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@pytest.fixture(autouse=True)
def nobody_has_called_yet():
    cache.clear()


@pytest.fixture
def signed_up():
    """Give an agent a client; it has no token yet."""

    def make(company: Company, scopes=CLIENT_SCOPES, agent=None) -> Caller:
        made = client_create(
            agent_id=(agent or company.agent).pk,
            scopes=scopes,
            reason="It asks for itself.",
            actor=Person(company.steward),
        )
        return Caller(made.client, made.secret)

    return make


@pytest.fixture
def caller(company, signed_up):
    """The agent of the company, signed in."""
    caller = signed_up(company)
    assert caller.sign_in().status_code == 200
    return caller


@pytest.fixture
def ask(company):
    """What the agent says when it asks, and how one changes it."""

    def said(**changes):
        return {
            "identity_id": company.identity.pk,
            "service": "customers",
            "actions": [company.write.key],
            "task_id": company.task.pk,
            "days": 30,
            "reason": "Sets the priority of tickets.",
            **changes,
        }

    return said


@pytest.fixture
def bindings(company):
    team = company.agent.team
    return [
        BindingFactory(agent=AgentFactory(name=name, team=team)) for name in ("Refunds", "Triage")
    ]


@pytest.fixture
def callers(company, signed_up, bindings):
    made = [signed_up(company, scopes=[APPEND_TRAIL], agent=one.agent) for one in bindings]
    for one in made:
        assert one.sign_in().status_code == 200
    return made


@pytest.fixture
def collector(company, signed_up, bindings):
    caller = signed_up(company, scopes=[APPEND_TRAIL])
    collects_for(caller, [one.agent for one in bindings], company.steward)
    assert caller.sign_in().status_code == 200
    return caller
