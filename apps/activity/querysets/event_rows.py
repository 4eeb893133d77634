from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Self

from django.db import models
from django.db.models import (
    BigIntegerField,
    Case,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import ExtractHour, TruncHour

from apps.activity.querysets.events import claimed_agent, teller, told_by, told_by_agents
from apps.activity.querysets.hours import whether
from apps.activity.querysets.seats import in_period_of
from apps.activity.statements import (
    CALLER,
    CLIENT,
    IS_ATTRIBUTED,
    IS_CONFIRMED,
    IS_PROVEN,
    IS_SHOWN,
    IS_TOLD,
    IS_WHOLE,
    OF_SYSTEM,
)
from apps.activity.states import DEEDS, Kind, Outcome, Shown
from apps.core.actors import Actor
from apps.inventory.models import Agent, Binding, Identity, System
from apps.inventory.querysets.scope import is_limited_auditor, reads_all_systems, seat_systems
from apps.proof.models import Log

# Of a deed, by its system: whether a log ever held such a call, and is whole for its hour.
NAMES_SHOWN = Q(kind=Kind.ACTION) | Q(whether(IS_SHOWN, F("of_system"), F("name")))
WHOLE_LOG = Q(whether(IS_WHOLE, F("of_system"), TruncHour("happened_at", tzinfo=UTC)))


class EventRowQuerySet(models.QuerySet):
    def of_trail(self) -> Self:
        """Of the one log of activity: it leads every index."""
        return self.filter(log_id=Log.objects.filter(name="activity").values("pk")[:1])

    def calls(self) -> Self:
        """What systems recorded."""
        return self.filter(kind=Kind.API)

    def deeds(self) -> Self:
        """What agents said they did: actions, and calls they say they made."""
        return self.filter(kind__in=DEEDS)

    def calls_visible_to(self, actor: Actor) -> Self:
        """Calls by identities that the actor may see; by others, who reads of every system."""
        rows = in_period_of(actor, self, "happened_at")
        if reads_all_systems(actor):
            return rows
        if is_limited_auditor(actor):
            return rows.filter(system_id__in=seat_systems(actor))
        return rows.filter(identity_id__in=Identity.objects.visible_to(actor).values("pk"))

    def deeds_visible_to(self, actor: Actor) -> Self:
        rows = in_period_of(actor, self, "happened_at")
        if reads_all_systems(actor):
            return rows
        return rows.filter(told_by(self.model, Agent.objects.visible_to(actor).values("pk")))

    def unexplained(self, settled: datetime) -> Self:
        """Calls, old enough, that no run tells of: that they carry the id of one tells nothing."""
        return self.filter(happened_at__lt=settled).exclude(whether(IS_TOLD))

    def told(self) -> Self:
        """Calls proven to be of a run that tells of them."""
        return self.filter(whether(IS_TOLD))

    def untold(self) -> Self:
        """Calls proven to be of a run, by its id or session, of which it never said a word."""
        return self.filter(whether(IS_PROVEN)).exclude(whether(IS_TOLD))

    def allowed(self) -> Self:
        """Calls that the system did not refuse."""
        return self.exclude(outcome=Outcome.DENIED)

    def outside(self, *, is_told: bool) -> Self:
        """Calls that worked outside any grant, as last judged; or of which that cannot be told."""
        judged = self._rows("OutsideCall").filter(
            Q(by_target=False) | Q(target=OuterRef("target")),
            is_told=is_told,
            identity_id=OuterRef("identity_id"),
            system_id=OuterRef("system_id"),
            name=OuterRef("name"),
            since__lte=OuterRef("happened_at"),
            until__gt=OuterRef("happened_at"),
        )
        return self.exclude(outcome__in=[Outcome.FAILED, Outcome.DENIED]).filter(Exists(judged))

    def attributed(self) -> Self:
        """Calls that can be tied to one agent: by a run, or by an identity that it alone acts as.

        The same as `UseHour.agent_id` says of whole hours.
        """
        return self.filter(whether(IS_ATTRIBUTED))

    def of_nobody(self) -> Self:
        """Calls that cannot be tied to one agent."""
        return self.exclude(whether(IS_ATTRIBUTED))

    def used_with(self, credential_id: int, after: datetime) -> Self:
        """Calls with a credential after a moment."""
        return self.filter(credential_id=credential_id, happened_at__gt=after)

    def worked(self) -> Self:
        """Those that say neither that they failed nor that they were denied."""
        return self.exclude(outcome__in=[Outcome.FAILED, Outcome.DENIED])

    def flagged(self) -> Self:
        return self.filter(severity__gt=0)

    def by_client(self, clients: Iterable[str]) -> Self:
        """Calls of these clients, named without their versions."""
        told = Func(template=CLIENT, output_field=TextField())
        return self.alias(by=told).filter(by__in=[client.lower() for client in clients])

    def at_hours(self, hours: Iterable[int]) -> Self:
        """Made at these hours of the day, in UTC, on whichever day."""
        return self.alias(hour=ExtractHour("happened_at", tzinfo=UTC)).filter(hour__in=list(hours))

    def calls_on(self, system_id: int) -> Self:
        """Calls on a system, by its identities: what an index finds them by."""
        identities = Identity.objects.filter(system=system_id).values("pk")
        return self.filter(identity_id__in=identities)

    def missed(self, settled: datetime) -> Self:
        """Deeds that do not say they failed, and that a log which would show them does not.

        The same as `DeedHourQuerySet.is_judged` says of whole hours.
        """
        return (
            self.filter(happened_at__lt=settled)
            .worked()
            .exclude(whether(IS_CONFIRMED))
            ._with_system()
            .filter(NAMES_SHOWN, WHOLE_LOG)
        )

    def with_shown(self, settled: datetime) -> Self:
        """Each deed with the system it is of, and what the logs say of it: `Shown`.

        `missed` are those of which it says so, and `confirmed` too.
        """
        logs = self._rows("Stream").filter(system=OuterRef("of_system"))
        return self.annotate(
            of_system=Func(template=OF_SYSTEM, output_field=BigIntegerField()),
            shown=Case(
                When(whether(IS_CONFIRMED), then=Value(Shown.YES)),
                When(outcome__in=[Outcome.FAILED, Outcome.DENIED], then=Value(Shown.FAILED)),
                When(of_system=0, then=Value(Shown.NO_SYSTEM)),
                When(~Exists(logs), then=Value(Shown.NO_LOG)),
                When(happened_at__gte=settled, then=Value(Shown.NEW)),
                When(~WHOLE_LOG, then=Value(Shown.NOT_WHOLE)),
                When(~NAMES_SHOWN, then=Value(Shown.NO_SUCH)),
                default=Value(Shown.MISSED),
            ),
        )

    def confirmed(self) -> Self:
        return self.filter(whether(IS_CONFIRMED))

    def unproven(self) -> Self:
        return self.exclude(whether(IS_CONFIRMED))

    def on_seat(self, actor: Actor) -> Self:
        """Deeds as `DeedHourQuerySet.on_seat` says of whole hours."""
        if not is_limited_auditor(actor):
            return self
        return self._with_system().filter(of_system__in=[0, *seat_systems(actor)])

    def of_system(self, system_id: int) -> Self:
        """Deeds of one system, as far as that is known; 0 for those of which it is not."""
        return self._with_system().filter(of_system=system_id)

    def deeds_of_agent(self, agent_id: int) -> Self:
        """Deeds of the agent, also where that is known by its run alone."""
        return self.filter(told_by_agents(self.model, [agent_id]))

    def calls_of_agent(self, agent_id: int) -> Self:
        """Calls of the agent's runs, and those of its identities that nobody else's run claims.

        The same as `UseHourQuerySet.of_agent` says of whole hours. The identities are what an index
        finds the calls by, and only where the planner is told which they are: two small queries.
        """
        bound = Binding.objects.live().filter(agent=agent_id)
        acts_as = set(bound.values_list("identity", flat=True))
        hours = self._rows("UseHour").filter(agent_id=agent_id).order_by()
        used = set(hours.values_list("identity_id", flat=True).distinct())
        mine, caller = (
            Q(identity_id__in=acts_as),
            Func(template=CALLER, output_field=BigIntegerField()),
        )
        return (
            self.filter(identity_id__in=acts_as | used)
            .alias(caller=caller)
            .filter(Q(caller=agent_id) | (mine & Q(caller=None)))
        )

    def for_table(self) -> Self:
        """With the names that stand beside ids, which no foreign key holds."""
        return self.annotate(
            identity_name=_named(Identity, "identity_id"),
            system_name=_named(System, "system_id"),
            teller=teller(),
        ).annotate(agent_name=_named(Agent, "teller"))

    def with_link(self, actor: Actor) -> Self:
        """Each call with the surest of what joins it to a run, and the run if they may see it."""
        runs = self._rows("Invocation").visible_to(actor)
        links = (
            self._rows("Link")
            .filter(log_id=OuterRef("log_id"), call_leaf=OuterRef("leaf_index"))
            .order_by("-confidence", "invocation__trace_id")
            .annotate(is_seen=Exists(runs.filter(pk=OuterRef("invocation_id"))))
            .annotate(seen=Case(When(is_seen=True, then="invocation_id")))
            .annotate(seen_name=Case(When(is_seen=True, then="invocation__name")))
        )
        return self.annotate(
            run_id=Subquery(links.values("seen")[:1]),
            run_name=Subquery(links.values("seen_name")[:1]),
            method=Subquery(links.values("method")[:1]),
            confidence=Subquery(links.values("confidence")[:1]),
        )

    def with_run(self, actor: Actor) -> Self:
        """Each deed with the run that it is of, if they may see that."""
        runs = (
            self._rows("Invocation")
            .visible_to(actor)
            .filter(log_id=OuterRef("log_id"), trace_id=OuterRef("trace_id"))
            .first_of(OuterRef("teller"), OuterRef("claimed"))
        )
        return self.annotate(teller=teller(), claimed=claimed_agent()).annotate(
            run_id=Subquery(runs.values("pk")[:1]), run_name=Subquery(runs.values("name")[:1])
        )

    def _with_system(self) -> Self:
        return self.alias(of_system=Func(template=OF_SYSTEM, output_field=BigIntegerField()))

    def _rows(self, model: str) -> Any:
        """Rows of a model beside this one: a queryset may not import the models above it."""
        return self.model._meta.apps.get_model("activity", model)._default_manager


def _named(model: type[models.Model], by: str) -> Subquery:
    return Subquery(model._default_manager.filter(pk=OuterRef(by)).values("name"))
