"""Runs of an agent that say so much of themselves, each with the call that its system recorded."""

from datetime import timedelta

from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.readings import Reading
from apps.activity.services.hours import hours_count
from tests.activity.runs import keep

CALLS = {"calls": [{"name": "refund", "arguments": {"order": 7}}]}
WORDS = {"told": "Refund order 7", "decided": CALLS, "outcome": "Refunded."}


def runs(binding, count=1, *, says=tuple(WORDS), explained=True, action=True, **more):
    """So many runs of the agent three days ago, each with one call that its system recorded.

    Of what it might say they say so much: what triggered them and how they ended in the run's own
    record, and what they decided in a step.
    """
    at = int((timezone.now() - timedelta(days=3)).timestamp() * 1e9)
    of_agent = Whose(agent_id=binding.agent_id, agent=binding.agent.name)
    of_system = Whose(identity_id=binding.identity_id, system_id=binding.identity.system_id)
    for number in range(count):
        trace = f"{number + 1 + 1000 * explained + 5000 * len(says):032x}"
        said = {"trace_id": trace, "outcome": "ok"} | more
        own = {word: WORDS[word] for word in says if word != "decided"}
        step = {"decided": CALLS} if "decided" in says else {}
        readings = [
            Reading("invocation", "refunds", at, at + 10**9, span_id="a" * 16, body=own, **said),
            Reading(
                "step", "chat", at, at, span_id="b" * 16, parent_id="a" * 16, body=step, **said
            ),
        ]
        if action:
            readings.append(Reading("call", "refund", at, at, request_id=f"R{trace}", **said))
        keep(*readings, whose=of_agent)
        named = f"R{trace}" if explained else f"S{trace}"
        keep(Reading("api", "refund", at, at, request_id=named, outcome="ok"), whose=of_system)
    hours_count()
