"""Everything an approver should know of a request, read for one page."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from apps.approvals import chains
from apps.approvals.models import (
    AccessRequest,
    Approver,
    RemovalProposal,
    RequestNote,
    RequestStep,
    Vote,
)
from apps.approvals.states import Choice, NoteKind
from apps.audit.models import AuditEntry
from apps.core.actors import Actor
from apps.findings.models import Finding
from apps.findings.rules import Rule, rule_named
from apps.grants.models import Grant, Permission
from apps.inventory.models import Agent, Identity, Task
from apps.inventory.querysets.scope import is_limited_auditor
from apps.reviews.selectors.purpose import tasks_served, tasks_unmet

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Place:
    """One requirement of a step: who may fill it, and who has."""

    label: str
    count: int
    approvers: list[Approver]
    filled_by: list[Vote]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the chain, as far as it has come."""

    step: RequestStep
    places: list[Place]
    is_running: bool

    @property
    def is_passed(self) -> bool:
        return self.step.passed_at is not None


@dataclass(frozen=True, slots=True)
class Question:
    note: RequestNote
    answers: list[RequestNote]


@dataclass(frozen=True, slots=True)
class Story:
    request: AccessRequest
    stages: list[Stage]
    permissions: list[Permission]
    patterns: list[str]
    served: tuple[str, ...]
    unmet: list[str]
    tasks: list[Task]
    held_here: list[Grant]
    held_count: int
    findings: list[tuple[Finding, Rule | None]]
    before: list[AccessRequest]
    others: list[Grant]
    others_more: int
    questions: list[Question]
    joined: list[RequestNote]
    earlier_votes: list[Vote]
    # A seat limited to systems reads nothing of access elsewhere, and so not its names.
    names_others: bool

    @property
    def unexplained(self) -> bool:
        """Whether no task needs what is asked for, or the purpose explains nothing."""
        return not self.served or not self.request.agent.purpose_explains

    @property
    def running(self) -> Stage | None:
        return next((stage for stage in self.stages if stage.is_running), None)


def story_of(request: AccessRequest, actor: Actor) -> Story:
    agent, identity = request.agent, request.identity
    wanted = _wanted(request)
    tasks = list(agent.tasks.filter(retired_at=None).prefetch_related("needs"))
    held = Grant.objects.present().of_agent(agent.pk).select_related("system", "identity")
    here = held.filter(system=request.system_id).order_by("service", "level", "pk")
    others = _others(request)
    permissions = _permissions(request)
    known = {one.key for one in permissions}
    notes = list(request.notes.select_related("author").order_by("pk"))
    votes = list(request.votes.select_related("person").order_by("pk"))
    return Story(
        request=request,
        stages=_stages(request, [vote for vote in votes if vote.round == request.round]),
        permissions=permissions,
        patterns=[action for action in request.asked["actions"] if action not in known],
        served=tasks_served(wanted, tasks),
        unmet=tasks_unmet(tasks, [*held, wanted]),
        tasks=tasks,
        held_here=list(here[:SHOWN]),
        held_count=held.count(),
        findings=_findings(agent, identity, actor),
        before=_before(request, actor),
        others=list(others[:SHOWN]),
        others_more=max(0, others.count() - SHOWN),
        questions=_questions(notes),
        joined=[note for note in notes if note.kind == NoteKind.JOINED],
        earlier_votes=[vote for vote in votes if vote.round < request.round],
        names_others=not is_limited_auditor(actor),
    )


def history_of(request: AccessRequest, actor: Actor) -> QuerySet[AuditEntry]:
    """What the record tells of a request, its votes, and what was written beside it."""
    votes = Vote.objects.filter(request=request).values("pk")
    notes = RequestNote.objects.filter(request=request).values("pk")
    proposals = RemovalProposal.objects.filter(request=request).values("pk")
    own = Q(target_type=AccessRequest._meta.label_lower, target_id=request.pk)
    own |= Q(target_type=Vote._meta.label_lower, target_id__in=votes)
    own |= Q(target_type=RequestNote._meta.label_lower, target_id__in=notes)
    own |= Q(target_type=RemovalProposal._meta.label_lower, target_id__in=proposals)
    return (
        AuditEntry.objects.in_period_of(actor).filter(own).select_related("actor").order_by("-pk")
    )


def _wanted(request: AccessRequest) -> Grant:
    return Grant(
        identity=request.identity,
        system=request.system,
        service=request.service,
        level=request.level,
        tags=request.tags,
    )


def _permissions(request: AccessRequest) -> list[Permission]:
    """What is on the table, with who or what classified it."""
    rows = Permission.objects.filter(
        system_kind=request.system.kind, service=request.service, key__in=request.asked["actions"]
    )
    return list(rows.select_related("overridden_by").order_by("key"))


def _stages(request: AccessRequest, votes: Sequence[Vote]) -> list[Stage]:
    steps = request.steps.prefetch_related("requirements__approvers__person").order_by("position")
    return [_stage(step, request, votes) for step in steps]


def _stage(step: RequestStep, request: AccessRequest, votes: Sequence[Vote]) -> Stage:
    requirements = list(step.requirements.all())
    here = {vote.person_id: vote for vote in votes if vote.step_at == step.position}
    pure = chains.Step(
        tuple(
            chains.Requirement(one.count, frozenset(row.person_id for row in one.approvers.all()))
            for one in requirements
        )
    )
    approved = [pk for pk, vote in here.items() if vote.choice == Choice.APPROVE]
    filled = chains.progress_of(pure, approved).filled
    return Stage(
        step=step,
        places=[
            Place(
                label=one.label,
                count=one.count,
                approvers=list(one.approvers.all()),
                filled_by=[here[pk] for pk in sorted(filled[at])],
            )
            for at, one in enumerate(requirements)
        ],
        is_running=step.position == request.step_at,
    )


def _findings(agent: Agent, identity: Identity, actor: Actor) -> list[tuple[Finding, Rule | None]]:
    about = Q(subject_type=Agent._meta.label_lower, subject_id=agent.pk) | Q(
        subject_type=Identity._meta.label_lower, subject_id=identity.pk
    )
    rows = Finding.objects.visible_to(actor).standing().filter(about | Q(agent=agent.pk))
    shown = rows.order_by("-severity_rank", "pk")[:SHOWN]
    return [(finding, rule_named(finding.rule)) for finding in shown]


def _before(request: AccessRequest, actor: Actor) -> list[AccessRequest]:
    """What the same agent asked for earlier, and how it ended."""
    rows = AccessRequest.objects.visible_to(actor).filter(agent=request.agent_id)
    return list(rows.exclude(pk=request.pk).for_table().order_by("-pk")[:SHOWN])


def _others(request: AccessRequest) -> QuerySet[Grant]:
    """Who else holds this level of this service on the system, longest first."""
    rows = Grant.objects.present().filter(
        system=request.system_id, service=request.service, level=request.level
    )
    return (
        rows.exclude(identity=request.identity_id)
        .select_related("identity")
        .order_by("first_seen_at", "pk")
    )


def _questions(notes: Sequence[RequestNote]) -> list[Question]:
    return [
        Question(note, [answer for answer in notes if answer.answers_id == note.pk])
        for note in notes
        if note.kind == NoteKind.QUESTION
    ]
