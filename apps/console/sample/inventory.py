"""The invented company's inventory: imported like any other, then given a past."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, Field, Value
from django.db.models.functions import Now

from apps.connectors.services.applying import sync_apply
from apps.connectors.services.reading import sync_open, sync_read
from apps.console.sample.document import company_document
from apps.console.sample.runs import LOGGED_KINDS
from apps.core.actors import Actor
from apps.grants.models import Grant
from apps.grants.services.agents import agent_activate
from apps.inventory.models import Agent, Binding, Credential, Identity, System
from apps.inventory.states import AgentState

UNREADY = "It runs already; its gaps are to be closed by the next review."
DAY = Value(timedelta(days=1), output_field=DurationField())


def inventory_load(*, now: datetime, actor: Actor) -> None:
    """Import the company's document, start its agents, and date what it found back."""
    inventory_read(company_document(now), actor=actor)
    _give_a_past()
    _start(actor)


def inventory_read(document: dict[str, Any], *, actor: Actor) -> None:
    """Import a document of the company."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "company-inventory.json"
        path.write_text(json.dumps(document))
        sync = sync_open(
            path=path,
            format_name="countersign",
            actor=actor,
            file_name=path.name,
            command="manage.py sample_data",
        )
        sync_read(sync_id=sync.pk)
        sync_apply(sync_id=sync.pk, actor=actor)


def _start(actor: Actor) -> None:
    """Start what has an owner and a purpose; three stay proposed, as in any company."""
    ready = Agent.objects.filter(owner__isnull=False).exclude(purpose="").order_by("name")
    for agent in ready.exclude(name__in=["callback-planner", "schema-guardian"]):
        if agent.state == AgentState.PROPOSED:
            agent_activate(agent_id=agent.pk, reason=UNREADY, actor=actor)


@transaction.atomic
def _give_a_past() -> None:
    """Spread first sightings over two years; not a state, so no entry is owed."""
    for model, spread in ((Identity, 700), (Credential, 600), (Grant, 500), (Agent, 420)):
        model._default_manager.update(first_seen_at=_days_ago(spread))
    Grant.objects.update(content_changed_at=F("first_seen_at"))
    Binding.objects.update(bound_at=_days_ago(420))
    Agent.objects.exclude(purpose="").update(purpose_changed_at=_days_ago(200))
    Agent.objects.update(design_changed_at=_days_ago(330))
    System.objects.filter(kind__in=[*LOGGED_KINDS, "code"]).update(log_connected=True)


def _days_ago(spread: int) -> ExpressionWrapper:
    days = (F("pk") * 37) % spread + 9
    return ExpressionWrapper(Now() - days * DAY, output_field=_moment())


def _moment() -> Field:
    return Agent._meta.get_field("first_seen_at").__class__()
