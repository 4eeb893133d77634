"""The audit entries about requests and emergencies, and about the policies they fell under."""

import heapq
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from apps.approvals.models import Policy, RemovalProposal, RequestNote, Vote
from apps.audit.verbs import Verb
from apps.evidence.content.access.scope import REQUEST, USE, Scope
from apps.evidence.content.access.sources import source_pks
from apps.evidence.content.items import CHUNK
from apps.evidence.content.record import FIELDS, entries_about
from apps.grants.models import Grant
from apps.inventory.models import Agent, Source
from apps.remediation.models import Order


def entries_of(scope: Scope) -> Iterator[dict[str, Any]]:
    """Their entries in order, in constant memory. Of an agent only who answered for it."""
    of = {"request__in": scope.pks}
    about = {
        REQUEST: scope.pks,
        USE: scope.use_pks,
        Vote._meta.label_lower: Vote.objects.filter(**of).values("pk"),
        RequestNote._meta.label_lower: RequestNote.objects.filter(**of).values("pk"),
        RemovalProposal._meta.label_lower: RemovalProposal.objects.filter(**of)
        .order_by()
        .values("pk"),
        Policy._meta.label_lower: scope.requests.order_by().values("policy"),
        Order._meta.label_lower: scope.orders.order_by().values("pk"),
        Grant._meta.label_lower: scope.requests.order_by().values("grant"),
        Source._meta.label_lower: source_pks(scope),
    }
    streams = [entries_about(target_type, ids) for target_type, ids in about.items()]
    agents = entries_about(Agent._meta.label_lower, scope.requests.order_by().values("agent"))
    streams.append(agents.filter(verb=Verb.AGENT_OWNER_CHANGED))
    read = [rows.values(*FIELDS).iterator(CHUNK) for rows in streams]
    return heapq.merge(*read, key=itemgetter("pk"))
