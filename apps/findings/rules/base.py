"""What a rule is, and where rules register themselves."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Count, F, Max, OuterRef, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat

from apps.findings.states import Severity
from apps.inventory.models import Binding

TEXT = models.TextField()


class Rule(ABC):
    """One thing that looks wrong. Declared, not configured; thresholds are preferences.

    `subjects(now)` selects the subjects for which it holds, each annotated with `finding_label`,
    `for_agent`, `for_system`, and `finding_detail`: what a finding keeps of it. It is one
    statement over whole tables; nothing is looked at row by row.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    why: ClassVar[str]
    mend: ClassVar[str]
    severity: ClassVar[Severity]
    owasp: ClassVar[str]
    subject: ClassVar[type[models.Model]]

    def prepare(self, now: datetime) -> None:  # noqa: B027  (most rules read what is there)
        """Make anew what the statement reads, in the same transaction."""

    @abstractmethod
    def subjects(self, now: datetime) -> models.QuerySet: ...

    def counted_href(self, subject_id: int, now: datetime) -> str:
        """The list of what its figures count, where they count something that has one."""
        return ""


_RULES: dict[str, Rule] = {}


def register(*rules: type[Rule]) -> None:
    """Add rules; apps above this one do so when they are ready. A key taken twice raises."""
    for rule in rules:
        if rule.key in _RULES and type(_RULES[rule.key]) is not rule:
            raise ValueError(f"Two rules are called {rule.key}.")
        _RULES[rule.key] = rule()


def all_rules() -> Iterator[Rule]:
    yield from _RULES.values()


def rule_named(key: str) -> Rule | None:
    return _RULES.get(key)


def rule_choices() -> list[tuple[str, str]]:
    return [(rule.key, rule.title) for rule in _RULES.values()]


def accountable_agent(identity: str) -> Coalesce:
    """The accountable agent of the identity at this path.

    The steward's choice, else the only agent bound to it.
    """
    live = Binding.objects.live().filter(identity=OuterRef(f"{identity}pk" if identity else "pk"))
    only = (
        live.order_by()
        .values("identity")
        .annotate(agents=Count("agent", distinct=True), one=Max("agent"))
        .filter(agents=1)
        .values("one")
    )
    return Coalesce(F(f"{identity}accountable_agent_id"), Subquery(only))


def identities(rows: models.QuerySet, detail: models.Expression) -> models.QuerySet:
    described: models.QuerySet = rows.annotate(
        finding_label=F("name"),
        for_agent=accountable_agent(""),
        for_system=F("system_id"),
        finding_detail=detail,
    )
    return described


def sentence(*parts: Any) -> Concat:
    """Words and figures one after the other."""
    said = [words(one) if isinstance(one, str) else Cast(one, TEXT) for one in parts]
    return Concat(*said, output_field=TEXT)


def words(text: str) -> Value:
    return Value(text, output_field=TEXT)
