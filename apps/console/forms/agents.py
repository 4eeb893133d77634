"""Forms of the acts on agents."""

from typing import Any

from django import forms

from apps.accounts.models import Team, User
from apps.core.actors import Actor, reads_everything
from apps.inventory.forms import ReasonField
from apps.inventory.models import Agent, Identity, System, Task
from apps.inventory.services import NeedDraft, TaskDraft
from apps.inventory.states import Autonomy, Environment

NEEDS_SHOWN = 3
LEVELS = [("read", "read"), ("write", "write"), ("admin", "admin")]


def _people() -> Any:
    return User.objects.who_may_decide().order_by("display_name")


class ToolsField(forms.CharField):
    """Tools one a line: its name and, if known, the digest of its schema."""

    def __init__(self, **kwargs: Any):
        super().__init__(
            required=False,
            help_text="One a line: its name, then the digest of its schema if known.",
            widget=forms.Textarea(attrs={"rows": 4, "class": "mono"}),
            **kwargs,
        )

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(_tool_line(tool) for tool in value)

    def clean(self, value: Any) -> list[dict[str, str]]:
        lines = [line.split() for line in super().clean(value).splitlines() if line.strip()]
        return [
            {"name": words[0], **({"schema_sha256": words[1]} if len(words) > 1 else {})}
            for words in lines
        ]


def _tool_line(tool: Any) -> str:
    if isinstance(tool, dict):
        return " ".join(filter(None, [tool.get("name", ""), tool.get("schema_sha256", "")]))
    return str(tool)


class AgentForm(forms.Form):
    """What an agent is built of."""

    name = forms.CharField(max_length=120)
    technical_owner = forms.ModelChoiceField(
        User.objects.none(), required=False, help_text="Who builds and runs it."
    )
    environment = forms.ChoiceField(choices=Environment)
    platform = forms.CharField(max_length=80, required=False, help_text="Where it runs.")
    autonomy = forms.ChoiceField(choices=Autonomy, initial=Autonomy.ASKS)
    has_human_step = forms.BooleanField(
        required=False, label="A person approves before it changes anything"
    )
    version = forms.CharField(max_length=60, required=False)
    model = forms.CharField(max_length=120, required=False)
    instructions_sha256 = forms.RegexField(
        "^[0-9a-f]{64}$",
        label="SHA-256 of its instructions",
        required=False,
        error_messages={"invalid": "Give 64 hexadecimal digits."},
    )
    tools = ToolsField()
    calls = forms.ModelMultipleChoiceField(
        Agent.objects.none(),
        label="May call these agents",
        required=False,
        help_text="What they may do is then within its reach.",
    )

    def __init__(self, *args: Any, actor: Actor, agent: Agent | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        others = Agent.objects.visible_to(actor).standing().order_by("name")
        fields: Any = self.fields
        fields["technical_owner"].queryset = _people()
        fields["calls"].queryset = others.exclude(pk=agent.pk) if agent else others

    def values(self) -> dict[str, Any]:
        cleaned = dict(self.cleaned_data)
        technical = cleaned.pop("technical_owner")
        cleaned["technical_owner_id"] = technical.pk if technical else None
        cleaned["calls"] = [agent.pk for agent in cleaned["calls"]]
        return cleaned


class EditForm(AgentForm):
    reason = ReasonField(required=False)


class ProposeForm(AgentForm):
    """A new agent. Who is no steward proposes one of their own."""

    owner = forms.ModelChoiceField(
        User.objects.none(), required=False, help_text="Who answers for what it is for."
    )
    team = forms.ModelChoiceField(
        Team.objects.none(), required=False, help_text="Its manager decides write access."
    )
    field_order = ["name", "owner", "team"]

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any):
        super().__init__(*args, actor=actor, **kwargs)
        self.actor = actor
        fields: Any = self.fields
        fields["owner"].queryset = _people()
        fields["team"].queryset = Team.objects.order_by("name")
        if not reads_everything(actor):
            del fields["owner"], fields["team"]

    def values(self) -> dict[str, Any]:
        cleaned = super().values()
        owner, team = cleaned.pop("owner", None), cleaned.pop("team", None)
        if not reads_everything(self.actor):
            person: Any = self.actor
            owner, team = person.user, person.user.team
        ids = {"owner_id": owner.pk if owner else None, "team_id": team.pk if team else None}
        return {**cleaned, **ids}


class OwnerForm(forms.Form):
    owner_id = forms.ModelChoiceField(User.objects.none(), label="Owner", required=False)
    team_id = forms.ModelChoiceField(
        Team.objects.none(), label="Team", required=False, empty_label="As it is"
    )
    reason = ReasonField("Why the owner changes")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["owner_id"].queryset = _people()
        fields["team_id"].queryset = Team.objects.order_by("name")

    def clean_owner_id(self) -> int | None:
        owner = self.cleaned_data["owner_id"]
        return owner.pk if owner else None

    def clean_team_id(self) -> int | None:
        team = self.cleaned_data["team_id"]
        return team.pk if team else None


class WhyForm(forms.Form):
    reason = ReasonField()


class MaybeWhyForm(forms.Form):
    reason = ReasonField(required=False)


class BindIdentityForm(forms.Form):
    """Choose among identities found by a search."""

    identity_id = forms.ModelChoiceField(
        Identity.objects.none(), label="Identity", widget=forms.RadioSelect, empty_label=None
    )
    reason = ReasonField(required=False)

    def __init__(self, *args: Any, found: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        field: Any = self.fields["identity_id"]
        field.queryset = found
        field.label_from_instance = _identity_label

    def clean_identity_id(self) -> int:
        return int(self.cleaned_data["identity_id"].pk)


def _identity_label(identity: Identity) -> str:
    return f"{identity.name} · {identity.system.name} · {identity.external_id}"


class PurposeForm(forms.Form):
    purpose = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What it is designed to do, in a sentence or two.",
    )
    reason = ReasonField(
        "Why it changes", required=False, help_text="Needed once the agent is active."
    )


class TaskForm(forms.Form):
    """One task and the capabilities it needs. An empty title takes the task away."""

    title = forms.CharField(label="Task", max_length=200, required=False)

    def __init__(self, *args: Any, systems: list[tuple[int, str]], **kwargs: Any):
        super().__init__(*args, **kwargs)
        choices = [("", "System"), *systems]
        held = sum(name.startswith("system_") for name in self.initial)
        self.need_rows = max(NEEDS_SHOWN, held + 1)
        for index in range(self.need_rows):
            number = index + 1
            self.fields[f"system_{index}"] = forms.TypedChoiceField(
                label=f"Need {number}: system",
                choices=choices,
                coerce=int,
                empty_value=None,
                required=False,
            )
            self.fields[f"service_{index}"] = forms.CharField(
                label=f"Need {number}: service",
                max_length=80,
                required=False,
                widget=forms.TextInput(attrs={"placeholder": "any service"}),
            )
            self.fields[f"level_{index}"] = forms.ChoiceField(
                label=f"Need {number}: level", choices=LEVELS, required=False
            )

    def rows(self) -> list[tuple[forms.BoundField, forms.BoundField, forms.BoundField]]:
        return [
            (self[f"system_{index}"], self[f"service_{index}"], self[f"level_{index}"])
            for index in range(self.need_rows)
        ]

    def draft(self, tags: dict[tuple[str, int, str], tuple[str, ...]]) -> TaskDraft | None:
        """What was written; the tags a need had stay with it."""
        cleaned = self.cleaned_data
        title = (cleaned.get("title") or "").strip()
        if not title:
            return None
        needs = []
        for index in range(self.need_rows):
            system = cleaned.get(f"system_{index}")
            if system is None:
                continue
            service = cleaned.get(f"service_{index}", "").strip()
            level = cleaned.get(f"level_{index}") or "read"
            kept = tags.get((title, system, service), ())
            needs.append(NeedDraft(system, level, service, kept))
        return TaskDraft(title, tuple(needs))


# What says that it sends more is refused, and no page is made of as many rows as it says.
MOST_TASKS = 60
TaskFormSet = forms.formset_factory(
    TaskForm, extra=2, max_num=MOST_TASKS, absolute_max=MOST_TASKS, validate_max=True
)


def task_initial(task: Task) -> dict[str, Any]:
    initial: dict[str, Any] = {"title": task.title}
    for index, need in enumerate(task.needs.all()):
        initial[f"system_{index}"] = need.system_id
        initial[f"service_{index}"] = need.service
        initial[f"level_{index}"] = need.level
    return initial


def system_choices(actor: Actor) -> list[tuple[int, str]]:
    return list(System.objects.visible_to(actor).order_by("name").values_list("pk", "name"))
