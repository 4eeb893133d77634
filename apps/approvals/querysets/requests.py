from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from apps.approvals.states import OPEN, NoteKind, ProposalState, RequestState
from apps.core.actors import Actor, Machine, Person, Role
from apps.grants.states import LIVE
from apps.inventory.models import Agent, Identity
from apps.inventory.querysets.scope import (
    is_limited_auditor,
    reads_all_systems,
    rows_of,
    seat_systems,
)
from apps.remediation.models import Order
from apps.remediation.states import GONE

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.approvals.models import AccessRequest
    from apps.remediation.querysets import OrderQuerySet


class RequestQuerySet(models.QuerySet["AccessRequest"]):
    def open(self) -> Self:
        return self.filter(state__in=OPEN)

    def pending(self) -> Self:
        return self.filter(state=RequestState.PENDING)

    def visible_to(self, actor: Actor) -> Self:
        """Every list and every lookup by id starts here, so a stranger's request is a 404.

        Who asked, who is or was asked to approve, and whoever answers for the agent.
        """
        if reads_all_systems(actor):
            return self
        if is_limited_auditor(actor):
            return self.filter(system_id__in=seat_systems(actor))
        if isinstance(actor, Machine):
            return self.filter(asked_by_client=actor.client_id)
        if not isinstance(actor, Person) or not actor.role:
            return self.none()
        approvers = rows_of(self.model, "approvers").filter(
            request=OuterRef("pk"), person=actor.user
        )
        return self.filter(
            Q(asked_by=actor.user)
            | Q(system__owner=actor.user)
            | Exists(approvers)
            | Q(agent__in=Agent.objects.visible_to(actor).values("pk"))
        )

    def waiting_for(self, person: "User") -> Self:
        """What this person can judge now: they are asked in the step that runs, and have not."""
        asked = rows_of(self.model, "approvers").filter(
            request=OuterRef("pk"), person=person, step_at=OuterRef("step_at")
        )
        voted = rows_of(self.model, "votes").filter(
            request=OuterRef("pk"), person=person, round=OuterRef("round")
        )
        return self.pending().filter(Exists(asked), ~Exists(voted))

    def to_put_in_place(self, actor: Actor) -> Self:
        """Approved requests that this person may put in place: the rule is `can_provision`."""
        approved = self.filter(state=RequestState.APPROVED)
        if not isinstance(actor, Person) or actor.role not in {Role.REVIEWER, Role.STEWARD}:
            return self.none()
        if actor.role != Role.STEWARD:
            approved = approved.filter(system__owner=actor.user)
        joined = rows_of(self.model, "notes").filter(
            request=OuterRef("pk"), kind=NoteKind.JOINED, author=actor.user
        )
        made = rows_of(Identity, "credentials").filter(
            identity=OuterRef("identity"), made_by=actor.user
        )
        return approved.exclude(
            Q(asked_by__isnull=False, asked_by=actor.user)
            | Q(agent__owner__isnull=False, agent__owner=actor.user)
            | Q(agent__technical_owner__isnull=False, agent__technical_owner=actor.user)
            | Exists(joined)
            | Exists(made)
        )

    def asked_by_person(self, person: "User") -> Self:
        return self.filter(asked_by=person)

    def judged_by(self, person: "User") -> Self:
        votes = rows_of(self.model, "votes").filter(request=OuterRef("pk"), person=person)
        return self.filter(Exists(votes))

    def step_timed_out(self, moment: datetime) -> Self:
        """Pending requests whose running step has had its time, and no fallback yet."""
        running = rows_of(self.model, "steps").filter(
            request=OuterRef("pk"), position=OuterRef("step_at"), fallback_at__isnull=True
        )
        return self.pending().filter(Exists(running), step_due_at__lte=moment)

    def lapsing(self, moment: datetime) -> Self:
        return self.open().filter(lapses_at__lte=moment)

    def unresolved(self) -> Self:
        """No policy covers them yet."""
        return self.filter(state=RequestState.SUBMITTED)

    def drifted(self) -> Self:
        """Open requests whose agent's design is no longer the one that is judged."""
        fingerprints = rows_of(Agent, "fingerprints").filter(agent=OuterRef("agent"), kind="design")
        now = fingerprints.order_by("-pk").values("digest")[:1]
        return (
            self.open()
            .annotate(design_now=models.Subquery(now))
            .filter(design_now__isnull=False)
            .exclude(design_now=F("design_digest"))
        )

    def running(self) -> Self:
        """In place, and not known to have ended."""
        return self.filter(state=RequestState.PROVISIONED, access_ended_at__isnull=True)

    def standing_at(self, moment: datetime) -> Self:
        """Running, and not to end by then."""
        lasts = Q(access_ends_at__isnull=True) | Q(access_ends_at__gt=moment)
        return self.running().filter(lasts)

    def ending_by(self, moment: datetime) -> Self:
        return self.running().filter(access_ends_at__lte=moment)

    def without_removal(self) -> Self:
        """Those of whose access no removal is open or done: neither their own nor their grant's."""
        of_grant = Order.objects.removing().filter(grant=OuterRef("grant"))
        return self.filter(~Exists(self._own_orders().in_force()), ~Exists(of_grant))

    def over(self) -> Self:
        """Running ones whose access is seen to be gone by now."""
        return self.running().filter(
            ~Q(grant__state__in=LIVE) | Exists(self._own_orders().filter(state__in=GONE))
        )

    def _own_orders(self) -> "OrderQuerySet":
        return Order.objects.filter(
            origin_type=self.model._meta.label_lower, origin_id=OuterRef("pk")
        )

    def unused_since(self, moment: datetime, *, now: datetime) -> Self:
        """Running since before that moment, and not used after it as far as anybody can tell.

        Where use is not known it is asked about once; where it is, again after as long.
        """
        proposals = rows_of(self.model, "proposals").filter(request=OuterRef("pk"))
        lately = proposals.filter(Q(state=ProposalState.OPEN) | Q(moved_at__gt=moment))
        idle = Q(grant__last_used_at__isnull=True) | Q(grant__last_used_at__lt=moment)
        known = Q(~Exists(lately), idle, grant__use_is_known=True)
        unknown = Q(~Exists(proposals), grant__use_is_known=False)
        rows = self.standing_at(now).filter(
            known | unknown, provisioned_at__lte=moment, grant__gone_at__isnull=True
        )
        return rows.without_removal()

    def with_open_proposal(self, actor: Actor) -> Self:
        """Requests about whose unused access this person may say a word."""
        proposals = rows_of(self.model, "proposals").answerable_by(actor)
        return self.filter(Exists(proposals.filter(request=OuterRef("pk"))))

    def for_table(self) -> Self:
        """Load what a row shows; anything forgotten raises instead of querying per row."""
        return self.select_related("agent", "identity", "system", "asked_by").fetch_mode(
            models.FETCH_RAISE
        )

    def locked(self, pk: int) -> "AccessRequest":
        """Read one request for update. Callers decide on what they read here, not before."""
        return self.select_for_update(of=["self"]).get(pk=pk)
