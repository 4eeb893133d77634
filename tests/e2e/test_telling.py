"""Agents of real frameworks tell the running product what they do, and people read it there."""

import os
import subprocess

import pytest
from django.urls import reverse

from apps.activity.models import Event, Invocation
from apps.activity.services.projecting import events_project
from apps.core.actors import Person
from apps.inventory.services import client_create
from apps.inventory.states import APPEND_TRAIL
from config.launcher.services import free_port
from tests.agents.task import DONE, TASK, THOUGHT
from tests.doors import ROOT, door_process
from tests.e2e.visitor import settle
from tests.factories.inventory import AgentFactory
from tests.processes import database_url
from tests.servers.environment import agents_python

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def door(tmp_path):
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
    }
    with door_process(free_port(), environment, tmp_path / "door.log") as started:
        yield started


@pytest.mark.usefixtures("silent_console")
@pytest.mark.parametrize("framework", ["pydantic_ai", "langgraph"])
def test_what_a_real_agent_did_is_read_from_told_to_outcome(
    door, live_server, steward, signed_in, framework
):
    agent = AgentFactory(active=True, name="Refunds")
    made = client_create(
        agent_id=agent.pk,
        scopes=[APPEND_TRAIL],
        reason="It tells what it does.",
        actor=Person(steward),
    )

    ran = subprocess.run(
        [agents_python(), f"tests/agents/of_{framework}.py"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "SITE": live_server.url,
            "INGEST": f"http://127.0.0.1:{door.port}",
            "CLIENT_ID": made.client.oauth_client_id,
            "CLIENT_SECRET": made.secret,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    events_project()

    run = Invocation.objects.get()
    assert (run.agent_id, run.claimed_agent, run.outcome) == (agent.pk, "refund-agent", "ok")
    assert (run.actions, run.steps > 0) == (1, True)
    assert Event.objects.get(kind="action").name == "refund"

    page = signed_in(steward)
    page.goto(live_server.url + reverse("activity:invocation_list"))
    page.get_by_role("link", name="refund-agent").first.click()
    page.wait_for_url(live_server.url + run.get_absolute_url())
    page.wait_for_load_state("networkidle")
    assert page.locator("main").count() == 1
    assert page.get_by_role("link", name="Refunds").first.is_visible()
    said = open_all(page)
    for words in (TASK, THOUGHT, DONE, "A1"):
        assert words in said, words


def open_all(page):
    """Everything that every record of the page said, opened one by one."""
    for _ in range(20):
        button = page.get_by_role("button", name="Its words")
        if not button.count():
            break
        button.first.click()
        settle(page)
    return page.locator("main").inner_text()
