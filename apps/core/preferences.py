"""The defaults of `architecture.md` 15 that stewards may change, each with its type and bounds.

Read here, from anywhere; written by `apps.accounts.services.settings.setting_change` alone,
which records every change.
"""

from dataclasses import dataclass

from apps.core.models import Setting


@dataclass(frozen=True, slots=True)
class Preference:
    key: str
    label: str
    default: int
    unit: str
    minimum: int
    maximum: int
    why: str = ""


PREFERENCES = {
    preference.key: preference
    for preference in (
        Preference("stale_after_hours", "A connected source is stale after", 24, "hours", 1, 2160),
        Preference(
            "stale_file_after_hours", "An imported file is stale after", 168, "hours", 1, 2160
        ),
        Preference(
            "mass_change_share",
            "Hold a batch that changes more than",
            10,
            "% of the population",
            1,
            100,
        ),
        Preference(
            "mass_change_count", "Hold a batch that changes more than", 50, "grants", 1, 100_000
        ),
        Preference(
            "fallback_share",
            "Ask for a reason when the fallback gets more than",
            20,
            "% of items",
            1,
            100,
        ),
        Preference("write_grant_days", "A write grant lasts at most", 90, "days", 1, 365),
        Preference("admin_grant_days", "An admin grant lasts at most", 30, "days", 1, 365),
        Preference("request_days", "An access request lapses after", 30, "days", 1, 365),
        Preference("break_glass_hours", "Break-glass access lasts at most", 4, "hours", 1, 72),
        Preference("unused_grant_days", "Approved access is unused after", 30, "days", 1, 365),
        Preference(
            "first_end_notice_days", "First notice that access ends", 14, "days before", 1, 90
        ),
        Preference(
            "second_end_notice_days", "Second notice that access ends", 3, "days before", 1, 60
        ),
        Preference("last_end_notice_days", "Last notice that access ends", 0, "days before", 0, 30),
        Preference(
            "break_glass_review_days", "A break-glass use is reviewed within", 2, "days", 1, 14
        ),
        Preference("issued_minutes", "An issued credential lasts at most", 60, "minutes", 1, 720),
        Preference("page_minutes", "A page goes to the next on call after", 15, "minutes", 1, 1440),
        Preference("suspension_days", "A reversible suspension lasts", 14, "days", 1, 90),
        Preference("static_key_days", "A static key is long-lived after", 90, "days", 1, 3650),
        Preference(
            "rotation_overlap_days", "After rotation the old one works on for", 7, "days", 1, 90
        ),
        Preference("unused_credential_days", "A credential is unused after", 45, "days", 1, 3650),
        Preference(
            "copied_justification_count",
            "A justification is copied when the same text stands on more than",
            5,
            "grants",
            1,
            1000,
        ),
        Preference("coverage_known_percent", "Coverage is known from", 80, "%", 1, 100),
        Preference("measured_window_days", "Use is measured over", 90, "days", 7, 400),
        Preference(
            "settling_hours",
            "An API call that no run claims is unexplained after",
            24,
            "hours",
            1,
            720,
            "Until then a late batch of the agent's own account may still explain it.",
        ),
        Preference("explained_days", "What agents did is judged over", 30, "days", 1, 90),
        Preference(
            "unexplained_calls",
            "An identity's calls are a finding from",
            1,
            "unexplained calls",
            1,
            1_000_000,
        ),
        Preference(
            "baseline_days",
            "A new address, client, or hour is told once an identity is known for",
            21,
            "days",
            1,
            400,
        ),
        Preference(
            "reconstruction_days", "A reconstruction check looks at the last", 30, "days", 1, 400
        ),
        Preference(
            "reconstruction_due_days",
            "A reconstruction check is due again after",
            90,
            "days",
            1,
            400,
        ),
        Preference("new_use_days", "It stays new for", 7, "days", 1, 90),
        Preference(
            "trail_months",
            "What agents did leaves the database after",
            0,
            "whole months",
            0,
            240,
            "A month is written to the archive and read back before it is dropped. 0 keeps all.",
        ),
        Preference(
            "words_days",
            "What agents said is erased after",
            0,
            "days",
            0,
            3650,
            "Prompts, arguments, and results, for good, also in the archive. Who did what when"
            " stays, and every proof holds. 0 keeps them as long as their record.",
        ),
        Preference("governance_years", "Governance records are kept for", 7, "years", 1, 30),
    )
}


def preference(key: str) -> int:
    """Read one default as it stands now. An unknown key raises `KeyError`."""
    declared = PREFERENCES[key]
    changed = Setting.objects.filter(key=key).values_list("value", flat=True).first()
    return declared.default if changed is None else int(changed)


def all_preferences() -> dict[str, int]:
    """Every default as it stands now, for freezing with a campaign."""
    changed = dict(Setting.objects.values_list("key", "value"))
    return {key: int(changed.get(key, declared.default)) for key, declared in PREFERENCES.items()}
