"""What an identity did that no grant of it, as it stood then, would have allowed."""

from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, CharField, DateTimeField, F, Func, QuerySet, Value
from django.urls import reverse

from apps.activity.models import UseHour
from apps.activity.settling import judged_since
from apps.connectors.adapters.aws_catalogue import SYSTEM_KIND, catalogue
from apps.findings.rules.base import TEXT, Rule, identities, sentence
from apps.findings.states import Severity
from apps.inventory.models import Identity

# What one identity did and what allowed it. A grant counts while it stood; where its content
# changed after the call, or the identity came to be known only after it, what it allowed then is
# not known, and nothing is said. A pattern's `*` is LIKE's sign, written so that no query takes it
# for a parameter.
OUTSIDE = """(
WITH asked(identity_id, names, since) AS (SELECT {expressions}),
did AS (
    SELECT u.name, u.hour, u.calls - u.failed - u.denied AS calls, s.kind
    FROM asked JOIN activity_usehour u ON u.identity_id = asked.identity_id
        AND u.hour >= asked.since AND u.calls > u.failed + u.denied
    JOIN inventory_identity n ON n.id = u.identity_id AND u.hour >= n.first_seen_at
    JOIN inventory_system s ON s.id = u.system_id
    WHERE u.name = ANY(asked.names) OR (s.kind <> '{aws}' AND EXISTS (
        SELECT FROM grants_permission p WHERE p.system_kind = s.kind AND p.key = u.name))
),
allowing AS (
    SELECT one.name, g.first_seen_at AS since, LEAST(g.ended_at, g.gone_at) AS until
    FROM (SELECT DISTINCT name, kind FROM did) one, asked
    JOIN grants_grant g ON g.identity_id = asked.identity_id
    WHERE (one.kind <> '{aws}' OR g.service IN ('*', split_part(one.name, ':', 1)))
      AND EXISTS (
        SELECT FROM grants_grantstatement line, jsonb_array_elements_text(line.actions) pattern
        WHERE line.grant_id = g.id AND line.effect = 'allow' AND lower(one.name) LIKE
            replace(replace(replace(replace(replace(lower(pattern),
                '\\', '\\\\'), '_', '\\_'), chr(37), '\\' || chr(37)), '*', chr(37)), '?', '_')
    )
)
SELECT {told} FROM did WHERE EXISTS (
    SELECT FROM grants_grant g, asked WHERE g.identity_id = asked.identity_id
) AND NOT EXISTS (
    SELECT FROM allowing WHERE allowing.name = did.name
      AND allowing.since < did.hour + interval '1 hour'
      AND (allowing.until IS NULL OR allowing.until > did.hour)
) AND NOT EXISTS (
    SELECT FROM grants_grant g, asked WHERE g.identity_id = asked.identity_id
      AND g.content_changed_at > did.hour AND g.first_seen_at < did.hour
      AND (did.kind <> '{aws}' OR g.service IN ('*', split_part(did.name, ':', 1)))
)
)"""
NAMES = "string_agg(DISTINCT name, ', ' ORDER BY name)"
CALLS = "sum(calls)"
FIRST = "min(hour)"
# What needs no grant of the identity: whom it becomes is for the trust of what it becomes.
FREE = frozenset({"sts:getcalleridentity", "sts:getsessiontoken", "sts:assumerole"})


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

    def subjects(self, now: datetime) -> QuerySet:
        used = UseHour.objects.between(judged_since(now), now).worked()
        names = self._judged(used)
        rows = Identity.objects.filter(pk__in=used.values("identity_id")).alias(
            outside=_told(CALLS, names, now, BigIntegerField())
        )
        detail = sentence(
            _told(CALLS, names, now, BigIntegerField()),
            " calls: ",
            _told(NAMES, names, now, TEXT),
        )
        return identities(rows.filter(outside__gt=0), detail)

    def counted_href(self, subject_id: int, now: datetime) -> str:
        used = UseHour.objects.between(judged_since(now), now).worked()
        asked = self._judged(used.filter(identity_id=subject_id))
        told = (
            Identity.objects.filter(pk=subject_id)
            .values_list(_told(NAMES, asked, now, TEXT), _told(FIRST, asked, now, DateTimeField()))
            .first()
        )
        if told is None or told[0] is None:
            return ""
        query = {"identity": subject_id, "name": told[0], "start": told[1].isoformat()}
        return reverse("activity:call_list", query={**query, "outcome": "ok"})

    def _judged(self, used: QuerySet) -> list[str]:
        """The names of calls that are actions as policies name them: of others nothing is said."""
        known = {name.lower() for name in catalogue().names} - FREE
        told = used.order_by().values_list("name", flat=True).distinct()
        return [name for name in told if name.lower() in known]


def _told(what: str, names: list[str], now: datetime, output: Any) -> Func:
    template = OUTSIDE.format(expressions="%(expressions)s", told=what, aws=SYSTEM_KIND)
    asked = Value(names, output_field=ArrayField(CharField()))
    since = Value(judged_since(now), output_field=DateTimeField())
    return Func(F("pk"), asked, since, template=template, output_field=output)
