"""Published runs of an agent become invocations, each once."""

import json

import pytest
from django.core.management import CommandError

from apps.activity.models import Event, Invocation
from apps.activity.services.projecting import events_project
from apps.audit.models import AuditEntry
from tests.activity.data import beside
from tests.activity.logs import as_lines, command
from tests.factories.inventory import AgentFactory

pytestmark = pytest.mark.django_db

RUN = {
    "task_id": 1,
    "trial": 0,
    "traj": [
        {"role": "system", "content": "You book flights."},
        {"role": "user", "content": "Cancel my flight."},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "function": {"name": "cancel_reservation", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "Done"},
        {"role": "assistant", "content": "It is cancelled."},
    ],
}


@pytest.fixture
def path(tmp_path):
    def write(*runs):
        file = tmp_path / "runs.jsonl"
        file.write_bytes(as_lines(*runs))
        return file

    return write


def test_every_published_run_becomes_an_invocation():
    agent = AgentFactory(name="airline-support")

    out = command("trail_import_runs", beside("agents/airline-runs.jsonl.gz"))
    events_project()

    assert "100 runs kept" in out
    assert Invocation.objects.filter(agent_id=agent.pk).count() == 100
    told = Invocation.objects.order_by("started_at").first()
    assert (told.claimed_agent, told.actions > 0, told.outcome) == ("airline-support", True, "ok")


def test_an_agent_nobody_knows_stays_unknown_and_is_named(path):
    out = command("trail_import_runs", path(RUN))
    events_project()

    assert "No agent here is called airline-support" in out
    found = Invocation.objects.get()
    assert (found.agent_id, found.claimed_agent) == (None, "airline-support")


def test_who_said_whose_a_run_is_stands_in_its_records(path):
    AgentFactory(name="airline-support")

    command("trail_import_runs", path(RUN))

    (by,) = {json.loads(one.header)["whose"]["attested_by"] for one in Event.objects.all()}
    assert by == "import by trail_import_runs"
    assert AuditEntry.objects.filter(verb="proof.log.runs_imported").count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_runs_again_are_kept_once(path):
    command("trail_import_runs", path(RUN))
    count = Event.objects.count()

    out = command("trail_import_runs", path("{", RUN | {"trial": 1}, RUN))

    assert "1 runs kept" in out
    assert "1 were here already, 1 could not be read" in out
    assert Event.objects.count() == 2 * count


def test_a_file_that_holds_no_runs_is_refused(path):
    with pytest.raises(CommandError, match="nothing of it could be read"):
        command("trail_import_runs", path({"not": "a run"}))

    assert not Event.objects.exists()
