from collections.abc import Iterator
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from apps.accounts.models import Team, User
from apps.core.actors import Role
from apps.core.preferences import Preference
from apps.notices.models import Ladder
from apps.notices.services.ladders import LONGEST_MINUTES, MOST_STEPS

ZONES = [(zone, zone.replace("_", " ")) for zone in sorted(available_timezones())]
ROLES = [
    (Role.REVIEWER, "Reviewer: answers for agents, decides reviews"),
    (Role.STEWARD, "Steward: administers everything"),
    (Role.AUDITOR, "Auditor: reads within a seat, changes nothing"),
]


def day_field(**options: Any) -> forms.DateField:
    return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), **options)


def reason_field(label: str = "Why") -> forms.CharField:
    return forms.CharField(label=label, widget=forms.Textarea(attrs={"rows": 2}))


class InviteForm(forms.Form):
    email = forms.EmailField(
        label="Mail address", max_length=150, help_text="What they sign in with."
    )
    display_name = forms.CharField(label="Name", max_length=100)
    role = forms.ChoiceField(choices=ROLES)
    team = forms.ModelChoiceField(Team.objects.none(), required=False)
    seat_ends_on = day_field(
        label="Seat ends on", required=False, help_text="For an auditor: their last day."
    )

    def __init__(self, *args: Any, teams: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]


class AcceptForm(forms.Form):
    display_name = forms.CharField(label="Your name", max_length=100)
    time_zone = forms.ChoiceField(
        choices=ZONES, help_text="Times and deadlines are shown in this zone."
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters, and none that others choose often.",
    )
    password_again = forms.CharField(
        label="Password again",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        first, again = cleaned.get("password"), cleaned.pop("password_again", None)
        if first and again and first != again:
            self.add_error("password_again", "The two differ.")
        elif first:
            self._check_strength(first, cleaned.get("display_name", ""))
        return cleaned

    def _check_strength(self, password: str, name: str) -> None:
        try:
            validate_password(password, User(email=self.email, display_name=name))
        except ValidationError as error:
            self.add_error("password", error)


class ReasonForm(forms.Form):
    reason = reason_field()


class PersonForm(forms.Form):
    display_name = forms.CharField(label="Name", max_length=100)
    team = forms.ModelChoiceField(Team.objects.none(), required=False)
    time_zone = forms.ChoiceField(choices=ZONES)

    def __init__(self, *args: Any, teams: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]


class ProfileForm(forms.Form):
    display_name = forms.CharField(label="Name", max_length=100)
    time_zone = forms.ChoiceField(
        choices=ZONES, help_text="Times and deadlines are shown in this zone."
    )


class TeamForm(forms.Form):
    name = forms.CharField(max_length=100)
    manager = forms.ModelChoiceField(
        User.objects.none(),
        required=False,
        help_text="Decides write access of the team's agents. Without one, the fallback decides.",
    )

    def __init__(self, *args: Any, people: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["manager"].queryset = people  # type: ignore[attr-defined]


class TeamChangeForm(TeamForm):
    reason = forms.CharField(
        label="Why another manager",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Needed when the manager changes.",
    )


class SettingForm(forms.Form):
    value = forms.IntegerField()
    reason = reason_field()

    def __init__(self, *args: Any, preference: Preference, **kwargs: Any):
        super().__init__(*args, **kwargs)
        field = self.fields["value"]
        field.label = f"{preference.label} ({preference.unit})"
        bounds = f"From {preference.minimum} to {preference.maximum}"
        field.help_text = f"{bounds}; {preference.default} unless changed."


class LadderForm(forms.Form):
    """Whom a page calls first, whom next, and how long each may take."""

    template_name = "accounts/ladder_fields.html"

    def __init__(self, *args: Any, routes: QuerySet, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for at in range(1, MOST_STEPS + 1):
            self.fields[f"route_{at}"] = forms.ModelChoiceField(
                routes,
                label="First" if at == 1 else "Then",
                required=False,
                empty_label="nobody" if at == 1 else "nobody more",
            )
            self.fields[f"minutes_{at}"] = forms.IntegerField(
                label="Minutes",
                required=False,
                min_value=0,
                max_value=LONGEST_MINUTES,
            )
        self.fields["reason"] = reason_field("Why it changes")

    @property
    def rows(self) -> Iterator[tuple[forms.BoundField, forms.BoundField]]:
        """The two fields of each step."""
        for at in range(1, MOST_STEPS + 1):
            yield self[f"route_{at}"], self[f"minutes_{at}"]

    def steps(self) -> list[tuple[int, int | None]]:
        """The steps that name a route, in order."""
        data = self.cleaned_data
        return [
            (data[f"route_{at}"].pk, data[f"minutes_{at}"])
            for at in range(1, MOST_STEPS + 1)
            if data.get(f"route_{at}") is not None
        ]

    @staticmethod
    def initial_of(ladder: Ladder | None) -> dict[str, Any]:
        steps = [] if ladder is None else ladder.steps.all()
        values: dict[str, Any] = {}
        for at, step in enumerate(steps, 1):
            values |= {f"route_{at}": step.route_id, f"minutes_{at}": step.minutes}
        return values
