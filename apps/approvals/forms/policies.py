from collections.abc import Iterator
from typing import Any

from django import forms

from apps.accounts.models import User
from apps.approvals.content import PolicyContent, Required, StepContent
from apps.approvals.matching import Match
from apps.approvals.models import Group, Policy, PolicyStep
from apps.approvals.states import RequirementKind
from apps.core.forms import offer
from apps.grants.combinations import Name
from apps.grants.states import Level, Tag
from apps.inventory.models import Agent, System
from apps.inventory.states import Environment

MOST_STEPS, MOST_REQUIREMENTS = 4, 3
ANY_COMBINATION = ("*", "any of them")


def _ticks(label: str, choices: Any, help_text: str = "") -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        choices=choices,
        required=False,
        label=label,
        help_text=help_text,
        widget=forms.CheckboxSelectMultiple,
    )


class PolicyForm(forms.Form):
    """Which requests a policy is for. What is left empty limits nothing."""

    name = forms.CharField(max_length=100)
    position = forms.IntegerField(
        min_value=1,
        max_value=30_000,
        label="Place",
        help_text="Of the policies that match a request, the one with the lowest place applies.",
    )
    purpose = forms.CharField(
        required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )
    levels = _ticks("Levels", Level.choices, "None ticked: all of them.")
    systems = forms.ModelMultipleChoiceField(queryset=System.objects.none(), required=False)
    environments = _ticks("Environments of the system", Environment.choices)
    tags = _ticks("What it makes possible", Tag.choices, "One of these is enough.")
    combinations = _ticks(
        "Completes a dangerous combination",
        [ANY_COMBINATION, *((name.value, name.value) for name in Name)],
    )
    is_automatic = forms.BooleanField(
        required=False,
        label="Grant it at once, by this rule",
        help_text="For read access alone, and without steps. The request keeps the rule's number.",
    )
    denials_end_it = forms.IntegerField(
        min_value=1, max_value=20, initial=1, label="How many denials end a request"
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        offer(self, "systems", System.objects.order_by("name"))

    @staticmethod
    def initial_of(policy: Policy) -> dict[str, Any]:
        match = Match.of(policy.match)
        return {
            "name": policy.name,
            "position": policy.position,
            "purpose": policy.purpose,
            **match.stored(),
            "is_automatic": policy.is_automatic,
            "denials_end_it": policy.denials_end_it,
        }

    def content(self, steps: list[StepContent]) -> PolicyContent:
        data = self.cleaned_data
        return PolicyContent(
            name=data["name"],
            position=data["position"],
            purpose=data["purpose"],
            match=Match(
                levels=tuple(data["levels"]),
                systems=tuple(system.pk for system in data["systems"]),
                environments=tuple(data["environments"]),
                tags=tuple(data["tags"]),
                combinations=tuple(data["combinations"]),
            ),
            is_automatic=data["is_automatic"],
            denials_end_it=data["denials_end_it"],
            steps=steps,
        )


class StepForm(forms.Form):
    """One step: up to three requirements, all of which must be met. Without a name, none."""

    name = forms.CharField(max_length=100, required=False)
    hours = forms.IntegerField(
        min_value=1,
        max_value=2160,
        initial=72,
        required=False,
        label="Hours",
        help_text="Then the fallback is asked as well; nothing is skipped.",
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        groups = Group.objects.standing().filter(key="")
        for at in range(1, MOST_REQUIREMENTS + 1):
            self.fields[f"count_{at}"] = forms.IntegerField(
                min_value=1, max_value=20, initial=1, required=False, label="How many"
            )
            self.fields[f"kind_{at}"] = forms.ChoiceField(
                choices=[("", "nobody more"), *RequirementKind.choices],
                required=False,
                label="Of whom",
            )
            self.fields[f"group_{at}"] = forms.ModelChoiceField(
                queryset=groups, required=False, label="Which named group"
            )

    @property
    def requirements(self) -> Iterator[list[forms.BoundField]]:
        """The fields of each requirement: how many, of whom, which group."""
        for at in range(1, MOST_REQUIREMENTS + 1):
            yield [self[f"{name}_{at}"] for name in ("count", "kind", "group")]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for at in range(1, MOST_REQUIREMENTS + 1):
            if data.get(f"kind_{at}") == RequirementKind.GROUP and not data.get(f"group_{at}"):
                self.add_error(f"group_{at}", "Say which group.")
        if self._requirements(data) and not data.get("name"):
            self.add_error("name", "Name the step: people see it.")
        return data

    @staticmethod
    def _requirements(data: dict[str, Any]) -> list[Required]:
        found = []
        for at in range(1, MOST_REQUIREMENTS + 1):
            if kind := data.get(f"kind_{at}"):
                group = data.get(f"group_{at}") if kind == RequirementKind.GROUP else None
                count = data.get(f"count_{at}") or 1
                found.append(Required(RequirementKind(kind), count, group.pk if group else None))
        return found

    def content(self) -> StepContent | None:
        data = self.cleaned_data
        if not data.get("name"):
            return None
        return StepContent(data["name"], data.get("hours") or 72, self._requirements(data))

    @staticmethod
    def initial_of(step: PolicyStep) -> dict[str, Any]:
        values: dict[str, Any] = {"name": step.name, "hours": step.hours}
        for at, one in enumerate(step.requirements.all(), 1):
            values |= {
                f"count_{at}": one.count,
                f"kind_{at}": one.kind,
                f"group_{at}": one.group_id,
            }
        return values


# What says that it sends more is refused, and no page is made of as many rows as it says.
StepFormSet = forms.formset_factory(
    StepForm, extra=0, min_num=MOST_STEPS, max_num=MOST_STEPS, absolute_max=MOST_STEPS
)


def steps_of(formset: Any) -> list[StepContent]:
    """The steps that were filled in, in order."""
    return [content for form in formset if (content := form.content()) is not None]


def initial_steps(policy: Policy | None) -> list[dict[str, Any]]:
    return list(_initial_steps(policy))


def _initial_steps(policy: Policy | None) -> Iterator[dict[str, Any]]:
    steps = [] if policy is None else list(policy.steps.prefetch_related("requirements"))
    for at in range(MOST_STEPS):
        yield StepForm.initial_of(steps[at]) if at < len(steps) else {}


class GroupForm(forms.Form):
    """Who is in a group that policies turn to."""

    name = forms.CharField(max_length=100)
    purpose = forms.CharField(
        required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )
    members = forms.ModelMultipleChoiceField(
        queryset=User.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="An empty group means nobody.",
    )
    reason = forms.CharField(
        label="Why it changes", max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, group: Group | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        offer(self, "members", User.objects.who_may_decide().order_by("display_name", "pk"))
        del self.fields["reason" if group is None else "name"]


class DryRunForm(forms.Form):
    """An agent, a system, and words to find a permission of it by."""

    agent = forms.ModelChoiceField(queryset=Agent.objects.none())
    system = forms.ModelChoiceField(queryset=System.objects.none())
    q = forms.CharField(
        label="Permission",
        required=False,
        max_length=200,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "placeholder": "update, customers, PutObject",
                "autocomplete": "off",
            }
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        offer(self, "agent", Agent.objects.standing().order_by("name"))
        offer(self, "system", System.objects.order_by("name"))
