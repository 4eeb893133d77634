from dataclasses import dataclass
from datetime import datetime

from apps.core.models import Setting
from apps.core.preferences import PREFERENCES, Preference


@dataclass(frozen=True, slots=True)
class StandingPreference:
    """A threshold as it stands now, and since when if it was changed."""

    preference: Preference
    value: int
    changed_at: datetime | None

    @property
    def is_default(self) -> bool:
        return self.value == self.preference.default


def standing_preferences() -> list[StandingPreference]:
    changed = {setting.key: setting for setting in Setting.objects.all()}
    return [
        StandingPreference(
            preference=preference,
            value=int(changed[key].value) if key in changed else preference.default,
            changed_at=changed[key].changed_at if key in changed else None,
        )
        for key, preference in PREFERENCES.items()
    ]
