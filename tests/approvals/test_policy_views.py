import pytest
from django.urls import reverse

from apps.approvals.models import Group, Policy
from apps.approvals.states import RequirementKind
from tests.factories.accounts import UserFactory
from tests.factories.approvals import (
    GroupFactory,
    GroupMemberFactory,
    PolicyFactory,
    PolicyRequirementFactory,
    PolicyStepFactory,
)

pytestmark = pytest.mark.django_db

LIST = "/approvals/policies/"


def filled_in(**changes):
    """What the form of a policy sends: one step, the team's manager."""
    steps = {
        f"steps-{at}-{name}": value
        for at in range(4)
        for name, value in {
            "name": "Need" if at == 0 else "",
            "hours": 48,
            "count_1": 1,
            "kind_1": RequirementKind.MANAGER if at == 0 else "",
        }.items()
    }
    return {
        "name": "Write access",
        "position": 1,
        "levels": ["write"],
        "denials_end_it": 1,
        "steps-TOTAL_FORMS": 4,
        "steps-INITIAL_FORMS": 0,
        **steps,
        **changes,
    }


def test_more_steps_than_there_can_be_are_refused_and_not_drawn(as_steward):
    many = {"steps-TOTAL_FORMS": 1000}

    answer = as_steward.post(reverse("approvals:policy_new"), filled_in(**many))

    assert answer.status_code == 422
    assert "submit at most 4 forms" in answer.text
    assert len(answer.context["steps"].forms) == 4
    assert not Policy.objects.exists()


def test_a_steward_begins_with_the_ready_ones_once(as_steward):
    before = as_steward.get(LIST).text

    as_steward.post(reverse("approvals:policies_ready"))
    as_steward.post(reverse("approvals:policies_ready"))

    after = as_steward.get(LIST).text
    assert "Make the ready ones" in before
    assert "Make the ready ones" not in after
    assert list(Policy.objects.values_list("name", flat=True)) == [
        "Dangerous combinations",
        "Admin access",
        "Write access",
        "Read access",
    ]
    assert "Need: 1 of Team manager" in after


def test_a_reviewer_reads_the_policies_and_sees_why_they_change_none(as_reviewer):
    policy = PolicyFactory(name="Write access")

    shown = as_reviewer.get(policy.get_absolute_url()).text

    assert "Only a steward sets who approves." in shown
    assert reverse("approvals:policy_change", args=[policy.pk]) not in shown


def test_a_policy_is_made_as_it_was_filled_in(as_steward):
    answer = as_steward.post(reverse("approvals:policy_new"), filled_in())

    policy = Policy.objects.get()
    assert answer["Location"] == policy.get_absolute_url()
    assert policy.match["levels"] == ["write"]
    step = policy.steps.get()
    assert (step.name, step.hours) == ("Need", 48)
    assert step.requirements.get().kind == RequirementKind.MANAGER


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": ""}, "This field is required."),
        ({"steps-0-name": ""}, "Name the step: people see it."),
        ({"steps-0-kind_1": "group"}, "Say which group."),
        ({"steps-0-kind_1": ""}, "somebody it turns to"),
        ({"is_automatic": "on"}, "read"),
    ],
)
def test_what_is_wrong_with_a_policy_is_said_on_the_form(as_steward, changes, says):
    answer = as_steward.post(reverse("approvals:policy_new"), filled_in(**changes))

    assert answer.status_code == 422
    assert says in answer.text
    assert not Policy.objects.exists()


def test_a_policy_comes_back_to_its_form_as_it_is_and_changes(as_steward):
    group = GroupFactory(name="Data protection")
    policy = PolicyFactory(name="Write access", position=3)
    step = PolicyStepFactory(policy=policy, position=1, name="Privacy", hours=24)
    PolicyRequirementFactory(step=step, position=1, kind="group", group=group, count=2)
    change = reverse("approvals:policy_change", args=[policy.pk])

    form = as_steward.get(change).text
    as_steward.post(change, filled_in(name="Write to customers", position=2))

    assert 'value="Privacy"' in form
    assert f'<option value="{group.pk}" selected>Data protection</option>' in form
    policy.refresh_from_db()
    assert (policy.name, policy.position) == ("Write to customers", 2)
    assert policy.steps.get().name == "Need"
    assert "Write to customers" in as_steward.get(policy.get_absolute_url()).text


def test_a_retired_policy_says_so_and_stands_in_no_list(as_steward):
    policy = PolicyFactory(name="Old rule")
    retire = reverse("approvals:policy_retire", args=[policy.pk])

    as_steward.post(retire, {"reason": "Nobody needs it any more."})

    assert "Old rule" not in as_steward.get(LIST).text
    assert "retired" in as_steward.get(policy.get_absolute_url()).text


def test_a_dry_run_says_which_policy_applies_and_who_would_be_asked(company, policy, as_steward):
    data = {"agent": company.agent.pk, "system": company.system.pk}

    shown = as_steward.get("/approvals/policies/try/", {**data, "permission": company.write.key})
    unknown = as_steward.get("/approvals/policies/try/", {**data, "permission": "x:Y"})

    text = " ".join(shown.text.split())
    assert policy.get_absolute_url() in text
    assert "1 of Team manager: Manager" in text
    assert "1 of Security: Security" in text
    assert "knows no x:Y" in unknown.text


def test_a_dry_run_says_when_not_enough_people_may(company, policy, as_steward):
    company.system.owner = company.owner
    company.system.save(update_fields=["owner"])
    data = {"agent": company.agent.pk, "system": company.system.pk}

    shown = as_steward.get("/approvals/policies/try/", {**data, "permission": company.write.key})

    assert "nobody who may" in shown.text
    assert "Not enough different people may approve it" in shown.text


def test_a_group_is_made_and_filled(as_steward):
    person = UserFactory(display_name="Data protection officer")

    as_steward.post(reverse("approvals:group_new"), {"name": "Privacy", "members": [person.pk]})
    group = Group.objects.get(name="Privacy")
    shown = as_steward.get(group.get_absolute_url()).text

    assert "Data protection officer" in shown


def test_who_is_in_a_group_changes_with_a_reason(as_steward):
    group = GroupMemberFactory().group
    person = UserFactory(display_name="Newly in it")
    change = reverse("approvals:group_change", args=[group.pk])

    without = as_steward.post(change, {"members": [person.pk]})
    as_steward.post(change, {"members": [person.pk], "reason": "The other one has left."})

    assert without.status_code == 422
    assert list(group.members.all()) == [person]
    assert "The other one has left." in as_steward.get(group.get_absolute_url()).text


def test_the_policies_cost_the_same_however_many(as_steward, django_assert_max_num_queries):
    for at in range(1, 9):
        step = PolicyStepFactory(policy=PolicyFactory(position=at), position=1)
        PolicyRequirementFactory(step=step, position=1)

    with django_assert_max_num_queries(8):
        assert as_steward.get(LIST).status_code == 200
