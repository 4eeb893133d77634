"""A later reading of the company's inventory: it brings write access that nobody asked for."""

from datetime import datetime
from typing import Any

from apps.accounts.models import User
from apps.approvals.selectors.removal import actions_of, resources_of
from apps.approvals.services.found import found_order
from apps.approvals.services.requests import Ask, request_submit
from apps.approvals.states import RequestKind
from apps.console.sample.document import company_document, grant_of
from apps.console.sample.inventory import inventory_read
from apps.console.sample.requests import as_person
from apps.core.actors import Actor
from apps.grants.models import Grant
from apps.inventory.models import Agent

# Whose identity was given what, and nobody asked for here.
LATER = (
    ("log-explainer", ("Cloud production", "log-explainer-cloud"), "access", "write"),
    ("data-steward", ("Warehouse", "data-steward-warehouse"), "jobs", "write"),
    ("pipeline-doctor", ("Code host", "pipeline-doctor-code"), "pulls", "write"),
)
NEEDED = "It says on the pull request why its pipeline failed; set up by hand last week."
NOT_NEEDED = "It only proposes. Somebody gave it this to try something out."


def found_load(*, people: dict[str, User], now: datetime, actor: Actor) -> None:
    """Of three, one is asked for, one is to be removed, and one nobody has looked at yet."""
    document = company_document(now)
    document["grants"] += [_given(key, service, level) for _, key, service, level in LATER]
    inventory_read(document, actor=actor)
    _ask(_found("pipeline-doctor"))
    steward = Agent.objects.select_related("owner").get(name="data-steward")
    found_order(
        grant_id=_found("data-steward").pk,
        reason=NOT_NEEDED,
        actor=as_person(steward.owner or people["administrator"]),
    )


def _given(key: tuple[str, str], service: str, level: str) -> dict[str, Any]:
    return grant_of(key, service, level, resources=["*"], group="")


def _found(agent: str) -> Grant:
    [(key, service, level)] = [rest for name, *rest in LATER if name == agent]
    system, identity = key
    rows = Grant.objects.present().prefetch_related("statements")
    return rows.get(system__name=system, identity__name=identity, service=service, level=level)


def _ask(grant: Grant) -> None:
    agent = Agent.objects.select_related("owner").get(name="pipeline-doctor")
    task = agent.tasks.filter(retired_at__isnull=True).order_by("pk").first()
    assert agent.owner is not None  # noqa: S101  (the sample names one)
    ask = Ask(
        agent_id=agent.pk,
        identity_id=grant.identity_id,
        service=grant.service,
        actions=sorted(actions_of(grant)),
        resources=sorted(resources_of(grant)),
        reason=NEEDED,
        task_id=task.pk if task else None,
        days=30,
        kind=RequestKind.FOUND,
        grant_id=grant.pk,
    )
    request_submit(ask=ask, actor=as_person(agent.owner))
