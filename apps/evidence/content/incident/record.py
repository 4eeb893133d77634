"""The audit entries about an incident and all that belongs to it."""

import heapq
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from apps.audit.verbs import Verb
from apps.evidence.content.incident.scope import Case
from apps.evidence.content.items import CHUNK
from apps.evidence.content.record import FIELDS, entries_about
from apps.inventory.models import Agent, Credential, Identity
from apps.remediation.models import Batch, Incident, Leak, Order


def entries_of(case: Case) -> Iterator[dict[str, Any]]:
    """Their entries in order, in constant memory. Of an agent only who answered for it."""
    credential = case.incident.credential
    about: dict[Any, Any] = {
        Incident: [case.incident.pk],
        Credential: [credential.pk],
        Identity: [credential.identity_id],
        Order: case.order_pks,
        Leak: case.leaks.order_by().values("pk"),
        Batch: case.orders.order_by().values("batch"),
    }
    streams = [entries_about(model._meta.label_lower, ids) for model, ids in about.items()]
    agents = entries_about(Agent._meta.label_lower, case.bindings.order_by().values("agent"))
    streams.append(agents.filter(verb=Verb.AGENT_OWNER_CHANGED))
    read = [rows.values(*FIELDS).iterator(CHUNK) for rows in streams]
    return heapq.merge(*read, key=itemgetter("pk"))
