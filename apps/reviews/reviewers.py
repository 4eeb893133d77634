"""Who decides an item, and how they were found. `architecture.md` 15, Who decides."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from apps.grants.states import WRITING
from apps.reviews.states import FoundBy


@dataclass(frozen=True, slots=True)
class Accountable:
    """The agent that answers for an identity, and its people."""

    agent_id: int
    name: str
    owner_id: int | None
    manager_id: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """The reviewer of an item. `reviewer_id` is None where nobody may decide."""

    reviewer_id: int | None
    found_by: FoundBy
    attester_id: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reviewers:
    """The people a campaign may turn to: its fallback, then other stewards in order."""

    fallback_id: int
    able: frozenset[int]
    stewards: tuple[int, ...] = field(default=())

    def find(
        self, *, level: str, agent: Accountable | None, disqualified: Collection[int | None]
    ) -> Found:
        """Find who decides. `disqualified` asked for the access, granted it, or made it."""
        barred = {pk for pk in disqualified if pk is not None}
        if agent is None:
            reason = "No agent answers for this identity."
            return self._fallback(FoundBy.NO_AGENT, reason, barred)
        owner = agent.owner_id if agent.owner_id in self.able else None
        if level not in WRITING:
            return self._reading(owner, barred)
        return self._writing(owner, agent.manager_id, barred)

    def _reading(self, owner: int | None, barred: set[int]) -> Found:
        if owner is None:
            reason = "The agent has no owner who may decide."
            return self._fallback(FoundBy.FALLBACK, reason, barred)
        if owner in barred:
            reason = "The owner asked for, granted, or made this access."
            return self._fallback(FoundBy.SELF_REVIEW, reason, barred)
        return Found(owner, FoundBy.OWNER)

    def _writing(self, owner: int | None, manager: int | None, barred: set[int]) -> Found:
        # Who benefits attests the need, and so never decides, not even as the fallback.
        barred = barred | ({owner} if owner else set())
        if manager is None or manager not in self.able:
            reason = "The agent's team has no manager who may decide."
            return self._fallback(FoundBy.FALLBACK, reason, barred, owner)
        if manager == owner:
            reason = "Owner and manager are one person."
            return self._fallback(FoundBy.FALLBACK, reason, barred, owner)
        if manager in barred:
            reason = "The manager asked for, granted, or made this access."
            return self._fallback(FoundBy.SELF_REVIEW, reason, barred, owner)
        return Found(manager, FoundBy.MANAGER, owner)

    def _fallback(
        self, found_by: FoundBy, reason: str, barred: set[int], attester: int | None = None
    ) -> Found:
        chosen = self._first_able(barred)
        if chosen != self.fallback_id:
            found_by = FoundBy.SELF_REVIEW if found_by != FoundBy.NO_AGENT else found_by
            reason = f"{reason} The fallback may not decide it either; another steward does."
        return Found(chosen, found_by, attester, reason)

    def _first_able(self, barred: set[int]) -> int | None:
        candidates: Iterable[int] = (self.fallback_id, *self.stewards)
        return next((pk for pk in candidates if pk in self.able and pk not in barred), None)
