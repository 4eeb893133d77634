"""What has to go when access ends: what it alone explains, and nothing that others explain."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.approvals.models import AccessRequest, BreakGlass
from apps.grants.models import Grant
from apps.remediation.states import OrderKind

type Use = AccessRequest | BreakGlass


@dataclass(frozen=True, slots=True)
class Removal:
    """A removal of part of a grant, or of all of it where nothing is `kept`."""

    grant: Grant
    removed: list[str]
    kept: list[str]

    @property
    def kind(self) -> OrderKind:
        return OrderKind.NARROW if self.kept else OrderKind.REVOKE

    @property
    def target(self) -> dict[str, Any]:
        return {"actions": self.kept} if self.kept else {}


def actions_of(grant: Grant) -> set[str]:
    """Everything a grant's statements allow. Read its statements with it."""
    lines = [line for line in grant.statements.all() if line.effect == "allow"]
    return {action for line in lines for action in line.actions}


def resources_of(grant: Grant) -> set[str]:
    """On what a grant's statements allow it; * where a line names none, or all but some."""
    lines = [line for line in grant.statements.all() if line.effect == "allow"]
    return {name for line in lines for name in line.resources or ["*"]} or {"*"}


def removal_of(use: Use, *, at: datetime) -> Removal | None:
    """What would have to be removed if this use of a grant ended then; None if nothing.

    What the identity held before stays, and so does what lasts beyond by another request.
    """
    grant = _present(use)
    if grant is None:
        return None
    others = explained_otherwise(use, at=at)
    before = set(use.held_before)
    added = set(use.actions) - before - others
    if not added:
        return None
    held = actions_of(grant)
    if not before and not others:
        return Removal(grant, removed=sorted(held or added), kept=[])
    left = held - added
    # A pattern that covers it is not told apart from what it covers: say what is to stay.
    kept = left if left != held else before | others
    return Removal(grant, removed=sorted(added), kept=sorted(kept))


def explained_otherwise(use: Use, *, at: datetime) -> set[str]:
    """Actions of the same grant that another request, or an emergency, explains beyond then."""
    requests = AccessRequest.objects.standing_at(at).filter(grant=use.grant_id)
    uses = BreakGlass.objects.in_force_at(at).filter(grant=use.grant_id)
    if isinstance(use, AccessRequest):
        renewed = AccessRequest.objects.running().filter(renews=use)
        requests = (requests | renewed.filter(grant=use.grant_id)).exclude(pk=use.pk)
    else:
        uses = uses.exclude(pk=use.pk)
    listed = [*requests.values_list("actions", flat=True), *uses.values_list("actions", flat=True)]
    return {action for actions in listed for action in actions}


def held_by_approval(grant: Grant) -> set[str]:
    """What a grant allows, but for what only an emergency added: that is to be gone soon."""
    approved = AccessRequest.objects.running().filter(grant=grant.pk)
    listed = {action for one in approved.values_list("actions", flat=True) for action in one}
    return actions_of(grant) - (_by_emergency(grant) - listed)


def held_for_good(grant: Grant) -> set[str]:
    """What a grant allows that neither a request nor an emergency added for a while."""
    running = AccessRequest.objects.running().filter(grant=grant.pk)
    by_request = _added(running.values_list("actions", "held_before"))
    return actions_of(grant) - by_request - _by_emergency(grant)


def _by_emergency(grant: Grant) -> set[str]:
    uses = BreakGlass.objects.lingering().filter(grant=grant.pk)
    return _added(uses.values_list("actions", "held_before"))


def _added(rows: Iterable[tuple[list[str], list[str]]]) -> set[str]:
    return {action for actions, before in rows for action in set(actions) - set(before)}


def _present(use: Use) -> Grant | None:
    if use.grant_id is None:
        return None
    rows = Grant.objects.present().filter(pk=use.grant_id)
    return rows.prefetch_related("statements").first()
