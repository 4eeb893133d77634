"""Whether what an agent did can be told, from instruction to call; and who signs that."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.models import Reconstruction
from apps.activity.readings import Reading
from apps.activity.selectors.reconstructing import check_of
from apps.activity.states import Told
from apps.audit.models import AuditEntry
from apps.findings.rules.use import ReconstructionOverdue
from apps.findings.services import findings_recheck
from tests.activity.listing import listed
from tests.activity.runs import keep
from tests.activity.told import CALLS, runs
from tests.activity.use import logged
from tests.factories.accounts import SeatFactory, UserFactory
from tests.factories.inventory import AgentFactory, BindingFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def binding(reviewer):
    return BindingFactory(agent=AgentFactory(active=True, owner=reviewer))


def check(binding):
    return check_of(binding.agent, 30, timezone.now())


def test_what_is_told_confirmed_and_explained_can_be_told(binding):
    logged(binding.identity.system)
    runs(binding, 3)

    found = check(binding)

    assert (found.verdict, found.reasons) == (Told.YES, ())
    figures = found.figures
    assert (figures.runs, figures.with_trigger, figures.with_steps, figures.with_outcome) == (
        3,
        3,
        3,
        3,
    )
    assert (figures.deeds, figures.confirmed) == (3, 3)
    assert [(one.calls, one.explained) for one in figures.systems] == [(3, 3)]


def test_without_a_complete_log_it_is_not_known(binding):
    logged(binding.identity.system, days=10)
    runs(binding, 3)

    found = check(binding)

    assert found.verdict == Told.UNKNOWN
    assert f"The log is not complete over these days: {binding.identity.system}" in found.reasons


def test_calls_that_no_run_explains_cannot_be_told(binding):
    logged(binding.identity.system)
    runs(binding, 3, explained=False)

    found = check(binding)

    assert found.verdict == Told.NO
    assert f"API calls on {binding.identity.system} that trace to a run: 0 %, needed 80 %" in (
        found.reasons
    )


def test_a_part_that_is_missing_is_named(binding):
    logged(binding.identity.system)
    runs(binding, 3)
    runs(binding, 1, says=("decided", "outcome"))

    found = check(binding)

    assert found.verdict == Told.PARTLY
    assert found.reasons == ("Runs that say what triggered them: 75 %, needed 95 %",)


@pytest.mark.parametrize(
    ("says", "rule", "needed"),
    [
        (("told", "outcome"), "Runs that say how they reasoned", 80),
        (("told", "decided"), "Runs that say how they ended", 95),
    ],
)
def test_a_span_that_came_and_ended_without_words_says_neither_why_nor_how(
    binding, says, rule, needed
):
    logged(binding.identity.system)
    runs(binding, 3, says=says)

    found = check(binding)

    assert (found.verdict, found.reasons) == (Told.NO, (f"{rule}: 0 %, needed {needed} %",))


def test_how_a_run_failed_is_said_by_its_status(binding):
    logged(binding.identity.system)
    runs(binding, 3, says=("told", "decided"), outcome="failed")

    assert check(binding).figures.with_outcome == 3


def test_what_comes_as_log_events_counts_as_said(binding):
    """As google-adk sends it: spans without a word, and events with all of them."""
    logged(binding.identity.system)
    runs(binding, 1, says=())
    at = int((timezone.now() - timedelta(days=3)).timestamp() * 1e9)
    trace = f"{1 + 1000:032x}"
    keep(
        *(
            Reading("other", name, at, at, trace_id=trace, parent_id="b" * 16, body=body)
            for name, body in (
                ("gen_ai.user.message", {"told": "Refund order 7"}),
                ("gen_ai.choice", {"decided": CALLS}),
                ("gen_ai.choice", {"outcome": "Refunded."}),
            )
        ),
        whose=Whose(agent_id=binding.agent_id, agent=binding.agent.name),
    )

    found = check(binding)

    assert (found.verdict, found.reasons) == (Told.YES, ())


def test_an_agent_that_did_nothing_while_the_logs_are_whole_can_be_told(binding):
    logged(binding.identity.system)

    assert check(binding).verdict == Told.YES


def test_an_agent_without_an_identity_is_not_known():
    found = check_of(AgentFactory(), 30, timezone.now())

    assert found.verdict == Told.UNKNOWN


def sign(client, binding, reason="I read ten of them from end to end."):
    url = reverse("activity:reconstruction_sign", args=[binding.agent_id])
    return client.post(url, {"reason": reason})


def test_the_owner_signs_what_was_measured_and_it_is_recorded(as_reviewer, reviewer, binding):
    logged(binding.identity.system)
    runs(binding, 2)

    sign(as_reviewer, binding)

    signed = Reconstruction.objects.get()
    assert (signed.agent, signed.signed_by, signed.verdict) == (binding.agent, reviewer, Told.YES)
    assert signed.figures["runs"] == 2
    assert signed.due_on == timezone.localdate() + timedelta(days=90)
    entry = AuditEntry.objects.get(verb="activity.reconstruction.signed")
    assert (entry.target_id, entry.reason) == (signed.pk, "I read ten of them from end to end.")
    page = as_reviewer.get(reverse("activity:reconstruction_detail", args=[binding.agent_id]))
    assert "I read ten of them from end to end." in page.content.decode()


def test_a_signature_takes_a_note(as_reviewer, binding):
    response = sign(as_reviewer, binding, reason="")

    assert response.status_code == 422
    assert not Reconstruction.objects.exists()


def test_who_neither_owns_it_nor_is_a_steward_does_not_sign(as_reviewer, reviewer):
    managed = BindingFactory(agent=AgentFactory(active=True))
    managed.agent.team.manager = reviewer
    managed.agent.team.save()

    response = sign(as_reviewer, managed)

    assert response.status_code == 403
    assert not Reconstruction.objects.exists()


def test_what_was_signed_never_changes(as_reviewer, binding):
    sign(as_reviewer, binding)

    with pytest.raises(IntegrityError), transaction.atomic():
        Reconstruction.objects.update(verdict=Told.NO)


def overdue():
    return set(ReconstructionOverdue().subjects(timezone.now()).values_list("name", flat=True))


def signed(agent, due):
    now = timezone.now()
    return Reconstruction.objects.create(
        agent=agent,
        since=now,
        until=now,
        figures={},
        verdict=Told.YES,
        note="Fine.",
        signed_by=UserFactory(),
        due_on=timezone.localdate() + timedelta(days=due),
    )


def test_a_check_is_overdue_past_its_day_unless_a_newer_one_stands(binding):
    other = AgentFactory(active=True)
    for agent in (binding.agent, other):
        signed(agent, -1)
    signed(other, 30)

    assert overdue() == {binding.agent.name}


def test_an_agent_that_runs_and_was_never_checked_becomes_overdue(binding):
    runs(binding)
    assert overdue() == set()

    later = timezone.now() + timedelta(days=91)

    names = ReconstructionOverdue().subjects(later).values_list("name", "finding_detail")
    assert set(names) == {(binding.agent.name, "It runs, and was never checked")}


def test_the_list_names_each_agent_with_its_verdict_and_finds_the_overdue(as_steward, binding):
    signed(binding.agent, -1)
    never = AgentFactory()

    page = as_steward.get(reverse("activity:reconstruction_list")).content.decode()
    late = as_steward.get(reverse("activity:reconstruction_list"), {"overdue": "true"})

    assert "Can be told" in page
    assert "never checked" in page
    assert binding.agent.name in late.content.decode()
    assert never.name not in late.content.decode()


def test_the_list_asks_as_much_for_one_agent_as_for_twenty(
    as_steward, binding, django_assert_max_num_queries
):
    for _ in range(20):
        signed(AgentFactory(), 1)

    with django_assert_max_num_queries(9):
        as_steward.get(reverse("activity:reconstruction_list"))


def home_of(client, user):
    sign_in(client, user)
    return " ".join(client.get(reverse("console:home")).content.decode().split())


def test_home_tells_manager_and_auditor_of_overdue_checks_until_one_is_signed(
    client, auditor, system, binding
):
    """The fifth question of home is whose activity cannot be told; a check that nobody has signed
    in time stands beside it, for who answers for the agent and for who examines it."""
    manager = binding.agent.team.manager
    logged(binding.identity.system)
    runs(binding)
    signed(binding.agent, -1)
    findings_recheck(actor=system)
    url = reverse("activity:reconstruction_detail", args=[binding.agent_id])
    listed = reverse("findings:finding_list") + "?rule=agent-reconstruction-overdue"

    for user in (manager, auditor):
        home = home_of(client, user)
        assert "Whose recent activity can we not explain?" in home
        assert "1 overdue reconstruction check" in home
        assert binding.agent.name in client.get(listed).content.decode()
        page = " ".join(client.get(url).content.decode().split())
        assert "Fine." in page
        assert "Only the agent's owner, its technical owner, or a steward signs." in page.replace(
            "&#x27;", "'"
        )
        assert sign(client, binding).status_code == 403

    sign_in(client, binding.agent.owner)
    sign(client, binding)
    findings_recheck(actor=system)

    for user in (manager, auditor):
        assert "overdue reconstruction check" not in home_of(client, user)


def test_a_limited_auditor_reads_no_check_of_an_agent_beyond_their_systems(client, binding):
    signed(binding.agent, 30)
    sign_in(client, SeatFactory(limited_to_systems=True).user)

    url = reverse("activity:reconstruction_detail", args=[binding.agent_id])

    assert client.get(url).status_code == 404


def test_a_limited_auditor_reads_that_the_verdict_leaves_a_system_out(client, as_steward, binding):
    seen = BindingFactory(agent=binding.agent)
    for one in (binding, seen):
        logged(one.identity.system)
    runs(binding, 3)
    url = reverse("activity:reconstruction_detail", args=[binding.agent_id])
    assert "outside of your seat" not in as_steward.get(url).text
    seat = SeatFactory(limited_to_systems=True)
    seat.seat_systems.create(system=seen.identity.system)
    sign_in(client, seat.user)

    page = client.get(url)

    assert page.context["check"].verdict == Told.PARTLY
    assert "1 system outside of your seat is not shown." in page.text
    assert "1 system lies outside of your seat: this is worked out without" in page.text
    assert binding.identity.system.name not in page.text


def test_what_a_hidden_systems_log_lacks_is_told_nowhere(client, as_steward, binding):
    """Neither by the figures of a check nor by the runs and deeds that a list leaves over."""
    hidden, seen = binding.identity.system, BindingFactory(agent=binding.agent).identity.system
    for number, one in enumerate((hidden, seen)):
        one.kind = f"kind-{number}"
        one.save()
        logged(one, shows=["refund"])
    runs(binding, 3, explained=False, system=hidden.kind)
    runs(binding, 1, says=(), system=hidden.kind)
    asked = {"agent": binding.agent_id}
    lists = [
        reverse("activity:invocation_list", query={"unproven": "true"}),
        *(
            reverse("activity:deed_list", query=asked | {one: "true"})
            for one in ("unconfirmed", "unproven", "confirmed")
        ),
    ]
    assert [listed(as_steward, url) for url in lists] == [3, 3, 3, 1]
    seat = SeatFactory(limited_to_systems=True)
    seat.seat_systems.create(system=seen)
    sign_in(client, seat.user)

    page = client.get(reverse("activity:reconstruction_detail", args=[binding.agent_id]))

    figures = page.context["check"].figures
    assert (figures.deeds, figures.confirmed, figures.missed, figures.unjudged) == (0, 0, 0, 0)
    assert (figures.runs, figures.hidden) == (4, 1)
    assert [listed(client, url) for url in lists] == [0, 0, 0, 0]
    assert listed(client, reverse("activity:deed_list", query=asked)) == 4


def action_rule(binding):
    (rule,) = [one for one in check(binding).rules if "confirms" in one.text]
    return rule


def test_without_a_log_whether_a_system_confirms_actions_is_not_known(as_steward, binding):
    """It is no rule that does not hold: no log would show them."""
    runs(binding, 2, explained=False)

    rule = action_rule(binding)
    page = as_steward.get(reverse("activity:reconstruction_detail", args=[binding.agent_id])).text

    assert (rule.holds, rule.is_untold, rule.unknown) == (False, True, 2)
    assert rule.reason == ("Actions that a system confirms: not known, as no log would show 2 of 2")
    assert "Actions that a system confirms <span" in page
    assert "Actions that a system confirms: 0 %" not in page
    row = page.partition("Actions that a system confirms <span")[2].partition("</tr>")[0]
    assert "(not known)" in row
    assert "does not hold" not in row


def test_what_a_whole_log_lacks_does_not_hold_whatever_is_not_known(binding):
    logged(binding.identity.system)
    runs(binding, 1)
    runs(binding, 3, explained=False, system=binding.identity.system.kind)

    rule = action_rule(binding)

    assert (rule.holds, rule.is_untold, rule.part, rule.whole) == (False, False, 1, 4)
