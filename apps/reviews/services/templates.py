"""Templates: what campaigns are made from."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import available_timezones

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.reviews.carrying import CHOICES, DEFAULT_DAYS, MOST_DAYS
from apps.reviews.models import Template
from apps.reviews.policies.campaigns import can_plan
from apps.reviews.policies.templates import can_change_template
from apps.reviews.ready_templates import READY
from apps.reviews.recurrence import rule_checked
from apps.reviews.scope import Scope


@dataclass(frozen=True, slots=True)
class TemplateContent:
    """Everything a person may say about a template."""

    name: str
    fallback_reviewer: User
    run_by: User
    purpose: str = ""
    scope: Scope = field(default_factory=Scope)
    instructions: str = ""
    days_to_decide: int = 14
    time_zone: str = "UTC"
    no_answer: str = "standard"
    carry_forward: str = ""
    carry_days: int = DEFAULT_DAYS
    recurrence: str = ""
    starts_on: date | None = None
    frequency_reason: str = ""
    stages_itself: bool = False
    launches_itself: bool = False

    def values(self) -> dict[str, Any]:
        """The columns of the row, checked."""
        return {
            "name": self.name.strip(),
            "purpose": self.purpose.strip(),
            "scope": self.scope.stored(),
            "instructions": self.instructions,
            "fallback_reviewer": self.fallback_reviewer,
            "run_by": self.run_by,
            "days_to_decide": self.days_to_decide,
            "time_zone": self.time_zone,
            "no_answer": self.no_answer,
            "carry_forward": self.carry_forward,
            "carry_days": self.carry_days,
            "recurrence": self._rule(),
            "starts_on": self.starts_on,
            "frequency_reason": self.frequency_reason.strip(),
            "stages_itself": self.stages_itself,
            "launches_itself": self.launches_itself,
        }

    def _rule(self) -> str:
        if not self.recurrence.strip():
            return ""
        if self.starts_on is None:
            raise DomainError("A recurrence counts from a day: say when it starts.")
        if not self.frequency_reason.strip():
            raise DomainError(
                "Say why it comes round this often: PCI DSS 7.2.5.1 asks for a targeted risk"
                " analysis."
            )
        return rule_checked(self.recurrence, self.starts_on)


@transaction.atomic
def template_create(*, content: TemplateContent, actor: Actor) -> Template:
    enforce(can_plan(actor))
    _refuse_odd(content)
    template = Template.objects.create(**content.values())
    record(
        actor=actor,
        verb=Verb.TEMPLATE_CREATED,
        target=template,
        changes={"name": (None, template.name), "scope": (None, template.scope)},
    )
    return template


@transaction.atomic
def template_change(*, template_id: int, content: TemplateContent, actor: Actor) -> Template:
    """Change what later campaigns are made from; those made already keep their copies."""
    template = Template.objects.locked(template_id)
    enforce(can_change_template(actor, template))
    _refuse_odd(content)
    values = content.values()
    changes = {
        name: (_plain(getattr(template, name)), _plain(value))
        for name, value in values.items()
        if getattr(template, name) != value
    }
    for name, value in values.items():
        setattr(template, name, value)
    template.save(update_fields=list(values))
    if changes:
        record(actor=actor, verb=Verb.TEMPLATE_CHANGED, target=template, changes=changes)
    return template


@transaction.atomic
def template_retire(*, template_id: int, reason: str, actor: Actor) -> Template:
    """Make no more campaigns from it."""
    template = Template.objects.locked(template_id)
    enforce(can_change_template(actor, template))
    if not reason.strip():
        raise DomainError("Say why it is retired.")
    template.retired_at = timezone.now()
    template.save(update_fields=["retired_at"])
    record(actor=actor, verb=Verb.TEMPLATE_RETIRED, target=template, reason=reason.strip())
    return template


@transaction.atomic
def templates_ensure_ready_ones(*, steward: User, actor: Actor) -> list[Template]:
    """Make each of the four ready templates that is not there yet, with a steward to run it."""
    enforce(can_plan(actor))
    there = set(
        Template.objects.filter(name__in=[ready["name"] for ready in READY]).values_list(
            "name", flat=True
        )
    )
    return [
        template_create(
            content=TemplateContent(
                fallback_reviewer=steward,
                run_by=steward,
                time_zone=steward.time_zone,
                starts_on=_next_month(),
                **ready,
            ),
            actor=actor,
        )
        for ready in READY
        if ready["name"] not in there
    ]


def _next_month() -> date:
    today = timezone.localdate()
    return date(today.year + today.month // 12, today.month % 12 + 1, 1)


def _refuse_odd(content: TemplateContent) -> None:
    if not content.name.strip():
        raise DomainError("A template needs a name.")
    if content.time_zone not in available_timezones():
        raise DomainError(f"“{content.time_zone}” is no time zone, such as Europe/Vienna.")
    if not content.scope.subjects:
        raise DomainError("Say what it asks about: grants, credentials, or both.")
    if content.launches_itself and not content.stages_itself:
        raise DomainError("It can launch itself only where it stages itself.")
    if content.carry_forward not in dict(CHOICES) or not 1 <= content.carry_days <= MOST_DAYS:
        raise DomainError(f"Choose a rule to carry forward by, and 1 to {MOST_DAYS} days.")
    may_decide = User.objects.who_may_decide()
    for person in (content.fallback_reviewer, content.run_by):
        if not may_decide.filter(pk=person.pk).exists():
            raise DomainError(f"{person} is not active, or may not decide. Name somebody else.")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, User) else value


def ready_ones_are_there() -> bool:
    """Whether each of the ready templates has been made."""
    names = [ready["name"] for ready in READY]
    return Template.objects.filter(name__in=names).count() == len(names)
