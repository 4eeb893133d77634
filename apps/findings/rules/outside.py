"""What an identity did that no grant of it, as it stood then, would have allowed."""

from datetime import datetime

from django.db.models import (
    BigIntegerField,
    Case,
    F,
    OuterRef,
    QuerySet,
    StringAgg,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact
from django.urls import reverse

from apps.activity.models import OutsideCall
from apps.activity.services.outlying import outside_measure
from apps.activity.settling import judged_since
from apps.connectors.adapters.aws_catalogue import SYSTEM_KIND, catalogue
from apps.findings.rules.base import Rule, identities, sentence, words
from apps.findings.states import Severity
from apps.inventory.models import Identity


class OutsideGrants(Rule):
    key = "identity-outside-grants"
    title = "Actions outside any grant"
    why = (
        "The system allowed them, and no grant that is known of the identity would have: something"
        " else gives it access, a policy on the resource itself, say."
    )
    mend = "Find what allowed them, and bring it in as a grant or take it away."
    severity = Severity.HIGH
    owasp = "NHI5:2025 Overprivileged NHI"
    subject = Identity

    def prepare(self, now: datetime) -> None:
        """Judge anew, since grants and records came and went."""
        names = frozenset(name.lower() for name in catalogue().names)
        outside_measure(moment=now, actions={SYSTEM_KIND: names})

    def subjects(self, now: datetime) -> QuerySet:
        outside = OutsideCall.objects.filter(is_told=True)
        rows = Identity.objects.filter(pk__in=outside.values("identity_id"))
        return identities(rows, sentence(_calls(), _call_or_calls(), _names()))

    def counted_href(self, subject_id: int, now: datetime) -> str:
        query = {"identity": subject_id, "outside": "told", "start": judged_since(now).isoformat()}
        return reverse("activity:call_list", query=query)


def _of_one() -> QuerySet:
    outside = OutsideCall.objects.filter(is_told=True, identity_id=OuterRef("pk"))
    return outside.order_by().values("identity_id")


def _calls() -> Coalesce:
    counted = _of_one().annotate(n=Sum("calls")).values("n")
    return Coalesce(Subquery(counted, output_field=BigIntegerField()), 0)


def _call_or_calls() -> Case:
    return Case(When(Exact(_calls(), 1), then=words(" call: ")), default=words(" calls: "))


def _names() -> Subquery:
    names = StringAgg(F("name"), Value(", "), distinct=True, order_by=F("name"))
    return Subquery(_of_one().annotate(told=names).values("told"))
