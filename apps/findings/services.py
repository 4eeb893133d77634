"""Findings come, go, and come back by their rules; people acknowledge, snooze, or accept."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from django.db import connection, models, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.services import Fact, record, record_many
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.findings import policies
from apps.findings.models import CheckRun, DailyFigure, Finding
from apps.findings.rules import Rule, all_rules
from apps.findings.selectors import figures_now
from apps.findings.states import FINDING_MOVES, HOLDING, SEVERITY_RANK, FindingState

CHUNK = 1000
LONGEST_ACCEPTANCE = timedelta(days=365)
# Longer would be an acceptance of the risk without its approver.
LONGEST_SNOOZE = timedelta(days=30)
# One check at a time: two would resolve and reopen each other's findings.
LOCK = 7_301_944
# A check joins whole tables: with less memory than this, its sorts and hashes go to disk.
WORK_MEMORY = "64MB"

_VERBS = {
    FindingState.OPEN: Verb.FINDING_REOPENED,
    FindingState.ACKNOWLEDGED: Verb.FINDING_ACKNOWLEDGED,
    FindingState.SNOOZED: Verb.FINDING_SNOOZED,
    FindingState.RISK_ACCEPTED: Verb.FINDING_ACCEPTED,
    FindingState.RESOLVED: Verb.FINDING_RESOLVED,
}


@dataclass(frozen=True, slots=True)
class Counts:
    held: int = 0
    opened: int = 0
    recurred: int = 0
    resolved: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(a + b for a, b in zip(_values(self), _values(other), strict=True)))


def _values(counts: Counts) -> Sequence[int]:
    return tuple(asdict(counts).values())


def findings_recheck(*, actor: Actor, rules: Collection[str] | None = None) -> Counts:
    """Check every rule (or those named) over everything; one transaction per rule.

    What no longer holds resolves itself; what holds again recurs on its row. Two checks at once
    wait for each other. Safe to run twice: the second changes nothing.
    """
    enforce(policies.can_recheck(actor))
    chosen = [rule for rule in all_rules() if rules is None or rule.key in rules]
    return sum((_check(rule, actor) for rule in chosen), start=Counts())


@transaction.atomic
def _check(rule: Rule, actor: Actor) -> Counts:
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute("SELECT set_config('work_mem', %s, true)", [WORK_MEMORY])
    held = _hold(rule, now)
    resolved = _resolve(rule, actor, now)
    recurred = _recur(rule, actor, now)
    opened = _open(rule, now)
    counts = Counts(held=held, opened=opened, recurred=recurred, resolved=resolved)
    if opened or recurred or resolved:
        run = CheckRun.objects.create(rule=rule.key, checked_at=now, **asdict(counts))
        record(
            actor=actor,
            verb=Verb.FINDINGS_CHECKED,
            target=run,
            changes={name: (None, value) for name, value in asdict(counts).items()},
        )
    return counts


def _hold(rule: Rule, now: datetime) -> int:
    """Put the subjects for which the rule holds into a table of this transaction."""
    rule.prepare(now)
    rows = rule.subjects(now).order_by()
    sql, params = rows.values_list(
        "pk", "finding_label", "for_agent", "for_system", "finding_detail"
    ).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS held")
        cursor.execute(
            "CREATE TEMPORARY TABLE held (subject_id bigint PRIMARY KEY, label text,"
            " agent_id bigint, system_id bigint, detail text) ON COMMIT DROP"
        )
        cursor.execute(f"INSERT INTO held {sql}", params)
        held: int = cursor.rowcount
        cursor.execute("ANALYZE held")
    return held


def _resolve(rule: Rule, actor: Actor, now: datetime) -> int:
    gone = (
        _of(rule)
        .filter(state__in=HOLDING)
        .extra(
            where=[
                "NOT EXISTS (SELECT FROM held WHERE held.subject_id = findings_finding.subject_id)"
            ]
        )
    )
    return _move_all(gone, FindingState.RESOLVED, actor, "It no longer holds.", resolved_at=now)


def _recur(rule: Rule, actor: Actor, now: datetime) -> int:
    back = (
        _of(rule)
        .filter(state=FindingState.RESOLVED)
        .extra(
            where=["EXISTS (SELECT FROM held WHERE held.subject_id = findings_finding.subject_id)"]
        )
    )
    return _move_all(
        back,
        FindingState.OPEN,
        actor,
        "It holds again.",
        resolved_at=None,
        opened_at=now,
        until=None,
        recurrences=models.F("recurrences") + 1,
    )


def _move_all(
    rows: models.QuerySet[Finding],
    state: FindingState,
    actor: Actor,
    reason: str,
    **also: object,
) -> int:
    findings = list(rows.select_for_update(of=["self"]).order_by("pk"))
    for at in range(0, len(findings), CHUNK):
        chunk = findings[at : at + CHUNK]
        for finding in chunk:
            FINDING_MOVES.check(finding.state, state)
        Finding.objects.filter(pk__in=[finding.pk for finding in chunk]).update(
            state=state, last_seen_at=timezone.now(), **also
        )
        record_many(
            actor=actor,
            verb=_VERBS[state],
            facts=(Fact(finding, {"state": (finding.state, state)}, reason) for finding in chunk),
        )
    return len(findings)


def _open(rule: Rule, now: datetime) -> int:
    """Insert the new ones and refresh what changed of the old, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            _OPEN,
            [
                rule.key,
                rule.subject._meta.label_lower,
                rule.severity,
                SEVERITY_RANK[rule.severity],
                now,
                now,
                now,
            ],
        )
        return sum(1 for (inserted,) in cursor.fetchall() if inserted)


_OPEN = """
    INSERT INTO findings_finding (rule, subject_type, subject_id, subject_label, agent_id,
        system_id, severity, severity_rank, detail, facts, state, first_seen_at, opened_at,
        last_seen_at, recurrences, reason)
    SELECT %s, %s, subject_id, left(label, 400), agent_id, system_id, %s, %s, left(detail, 400),
        '{}', 'open', %s, %s, %s, 0, ''
    FROM held
    ON CONFLICT (rule, subject_type, subject_id) DO UPDATE SET
        subject_label = excluded.subject_label, agent_id = excluded.agent_id,
        system_id = excluded.system_id, detail = excluded.detail,
        severity = excluded.severity, severity_rank = excluded.severity_rank
    WHERE (findings_finding.subject_label, findings_finding.agent_id, findings_finding.system_id,
           findings_finding.detail, findings_finding.severity)
        IS DISTINCT FROM (excluded.subject_label, excluded.agent_id, excluded.system_id,
           excluded.detail, excluded.severity)
    RETURNING xmax = 0
"""


def _of(rule: Rule) -> models.QuerySet[Finding]:
    return Finding.objects.filter(rule=rule.key, subject_type=rule.subject._meta.label_lower)


@transaction.atomic
def finding_acknowledge(*, finding_id: int, reason: str, actor: Person) -> Finding:
    """Say that somebody knows and works on it. It stays until it no longer holds."""
    return _say(finding_id, FindingState.ACKNOWLEDGED, reason, actor, until=None)


@transaction.atomic
def finding_snooze(*, finding_id: int, reason: str, until: date, actor: Person) -> Finding:
    """Put it aside until a date; then it opens again by itself."""
    _demand_near(until, LONGEST_SNOOZE, "30 days; for longer, the risk must be accepted")
    return _say(finding_id, FindingState.SNOOZED, reason, actor, until=until)


@transaction.atomic
def finding_reopen(*, finding_id: int, reason: str, actor: Person) -> Finding:
    return _say(finding_id, FindingState.OPEN, reason, actor, until=None)


@transaction.atomic
def finding_accept_risk(*, finding_id: int, reason: str, until: date, actor: Person) -> Finding:
    """Accept the risk until a date: a steward who does not answer for the subject."""
    _demand_near(until, LONGEST_ACCEPTANCE, "a year")
    finding = Finding.objects.select_related("agent").get(pk=finding_id)
    enforce(policies.can_accept_risk(actor, finding))
    return _say(
        finding_id, FindingState.RISK_ACCEPTED, reason, actor, until=until, accepted_by=actor.user
    )


def _demand_near(until: date, longest: timedelta, words: str) -> None:
    today = timezone.localdate()
    if not today < until <= today + longest:
        raise DomainError(f"The date must lie after today and within {words}.")


def _say(
    finding_id: int,
    state: FindingState,
    reason: str,
    actor: Person,
    *,
    until: date | None,
    accepted_by: User | None = None,
) -> Finding:
    finding = Finding.objects.locked(finding_id)
    enforce(policies.can_judge(actor, finding))
    FINDING_MOVES.check(finding.state, state)
    before, finding.state = finding.state, state
    finding.until, finding.reason, finding.moved_by = until, reason, actor.user
    finding.accepted_by = accepted_by
    finding.save(update_fields=["state", "until", "reason", "moved_by", "accepted_by"])
    record(
        actor=actor,
        verb=_VERBS[state],
        target=finding,
        changes={"state": (before, state), "until": (None, until)},
        reason=reason,
    )
    return finding


@transaction.atomic
def findings_wake(*, actor: Actor) -> int:
    """Open again what was snoozed or accepted until a date that has passed."""
    due = Finding.objects.filter(
        state__in=(FindingState.SNOOZED, FindingState.RISK_ACCEPTED),
        until__lt=timezone.localdate(),
    )
    return _move_all(
        due, FindingState.OPEN, actor, "Its date has passed.", until=None, accepted_by=None
    )


def figures_take(*, day: date) -> int:
    """Keep home's figures of a day, over what was kept of it before. Returns how many."""
    rows = [
        DailyFigure(day=day, key=key, value=value, taken_at=timezone.now())
        for key, value in figures_now().items()
    ]
    DailyFigure.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["key", "day"],
        update_fields=["value", "taken_at"],
    )
    return len(rows)
