from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import (
    BooleanField,
    Case,
    Expression,
    F,
    Func,
    Max,
    OuterRef,
    Q,
    Subquery,
    Sum,
    When,
)

from apps.activity.querysets.seats import in_period_of
from apps.activity.statements import IS_SHOWN, IS_WHOLE
from apps.activity.states import Kind
from apps.core.actors import Actor
from apps.inventory.models import Agent, Binding, Identity
from apps.inventory.querysets.scope import is_limited_auditor, reads_all_systems, seat_systems


def whether(condition: str, *of: Expression | F, **parts: str) -> Func:
    """A condition of `apps.activity.statements`, of these expressions, with these parts of it."""
    return Func(*of, template=condition, output_field=BooleanField(), **parts)


class HourQuerySet(models.QuerySet):
    def between(self, start: datetime, until: datetime) -> Self:
        """Hours in [start, until), both whole."""
        return self.filter(hour__gte=start, hour__lt=until)

    def summed(self, key: str, **sums: Any) -> Any:
        """One sum of these rows for the row that a key names, as a subquery."""
        ((name, of),) = sums.items()
        of_one = self.filter(**{key: OuterRef("pk")}).order_by().values(key)
        return Subquery(of_one.annotate(**{name: Sum(of)}).values(name))


class UseHourQuerySet(HourQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """The same as `EventRowQuerySet.calls_visible_to` says of each call."""
        rows = in_period_of(actor, self, "hour")
        if reads_all_systems(actor):
            return rows
        if is_limited_auditor(actor):
            return rows.filter(system_id__in=seat_systems(actor))
        return rows.filter(identity_id__in=Identity.objects.visible_to(actor).values("pk"))

    def of_agent(self, agent_id: int) -> Self:
        """Calls of the agent's runs, and those of its identities that nobody else's run claims."""
        acts_as = Binding.objects.live().filter(agent=agent_id).values("identity")
        return self.filter(Q(agent_id=agent_id) | Q(agent_id__isnull=True, identity_id__in=acts_as))

    def unexplained(self) -> Self:
        """Of calls that can be tied to one agent, and not all of them told by a run."""
        return self.filter(agent_id__isnull=False, calls__gt=F("proven"))

    def of_nobody(self) -> Self:
        """Calls that cannot be tied to one agent."""
        return self.filter(agent_id__isnull=True)

    def totalled(self) -> dict[str, Any]:
        """How many calls, how many of them a run tells of, and when the last was."""
        return self.aggregate(
            n=Sum("calls", default=0), sure=Sum("proven", default=0), last=Max("last_at")
        )

    def signing_in(self) -> Self:
        """A person's sign-in at the console of a system."""
        return self.filter(name__endswith=":ConsoleLogin")

    def worked(self) -> Self:
        return self.filter(calls__gt=F("failed") + F("denied"))

    def last_by_credential(self) -> dict[int, datetime]:
        """When each credential was surely used last: of an hour in which some calls did not work,
        its first call is taken, so that nobody's refused try counts as use."""
        is_clean = Q(failed=0, denied=0)
        at = Max(Case(When(is_clean, then="last_at"), default="first_at"))
        rows = self.worked().filter(credential_id__gt=0).order_by()
        return dict(rows.values_list("credential_id").annotate(at=at))


class DeedHourQuerySet(HourQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        rows = in_period_of(actor, self, "hour")
        if reads_all_systems(actor):
            return rows
        return rows.filter(agent_id__in=Agent.objects.visible_to(actor).values("pk"))

    def on_seat(self, actor: Actor) -> Self:
        """Without those on systems outside of the reader's seat: what a log says of them is what
        lies there. Those of which no system is known stay."""
        if not is_limited_auditor(actor):
            return self
        return self.filter(system_id__in=[0, *seat_systems(actor)])

    def is_judged(self, settled: datetime) -> Q:
        """Whether a log would show them: old enough, of a system whose log is whole for the hour.

        A call by its name also needs that the log ever held one of that name: a log of management
        events alone, say, shows no read of an object, and its silence says nothing.
        """
        system = F("system_id")
        is_shown = Q(kind=Kind.ACTION) | Q(whether(IS_SHOWN, system, F("name")))
        return Q(hour__lt=settled) & is_shown & Q(whether(IS_WHOLE, system, F("hour")))

    def missed(self, settled: datetime) -> Self:
        return self.filter(self.is_judged(settled), unconfirmed__gt=0)
