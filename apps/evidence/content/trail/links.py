"""The runs that are told of, and the API calls that they are joined to."""

from apps.activity.models import Link
from apps.activity.states import PROVEN_FROM
from apps.evidence.content.files import Files, compact
from apps.evidence.content.items import CHUNK
from apps.evidence.content.trail.scope import Tale
from apps.inventory.models import Agent

LINKS = [
    "call_leaf",
    "trace",
    "action_leaf",
    "action_by",
    "method",
    "method_words",
    "confidence",
    "proven",
    "made_at",
]
INVOCATIONS = [
    "trace",
    "name",
    "agent_id",
    "agent",
    "claimed_agent",
    "run",
    "conversation",
    "started_at",
    "ended_at",
    "outcome",
    "records",
    "steps",
    "actions",
    "calls",
    "proven",
    "near",
    "errors",
    "anomalies",
    "warnings",
]


def write_links(files: Files, tale: Tale) -> None:
    title = "API calls joined to runs, with method and confidence"
    with files.csv("data/links.csv", title, LINKS) as write:
        for link in tale.links.iterator(CHUNK):
            write(
                [
                    link.call_leaf,
                    link.invocation.trace,
                    link.action_leaf,
                    _placed_by(link),
                    link.method,
                    link.said,
                    link.confidence,
                    link.confidence >= PROVEN_FROM,
                    link.made_at,
                ]
            )


def _placed_by(link: Link) -> str:
    """What says of which deed of the run the call is."""
    if link.action_leaf is None:
        return ""
    return "name-and-time" if link.is_placed else "request-id"


def write_invocations(files: Files, tale: Tale) -> None:
    names = dict(
        Agent.objects.filter(
            pk__in=tale.invocations.order_by().values("agent_id").distinct()
        ).values_list("pk", "name")
    )
    with files.csv("data/invocations.csv", "The runs, summed up", INVOCATIONS) as write:
        for run in tale.invocations.iterator(CHUNK):
            write(
                [
                    run.trace,
                    run.name,
                    run.agent_id,
                    names.get(run.agent_id or 0, ""),
                    run.claimed_agent,
                    run.run_key,
                    run.conversation,
                    run.started_at,
                    run.ended_at,
                    run.outcome,
                    run.events,
                    run.steps,
                    run.actions,
                    run.calls,
                    run.proven,
                    run.near,
                    run.errors,
                    run.anomalies,
                    compact(run.warnings),
                ]
            )
