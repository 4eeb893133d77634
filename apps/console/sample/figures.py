"""Home's figures for the half year before: the company gets better, week by week."""

from datetime import date, timedelta
from random import Random

from apps.console.sample.document import SEED
from apps.findings.models import DailyFigure
from apps.findings.services import figures_take

DAYS = 182
# How much worse each figure stood half a year ago, as a share of today's.
WORSE = {
    "endless_credentials": 0.6,
    "shared_credentials": 0.3,
    "unjustified_grants": 0.55,
    "identities_without_agent": 0.5,
    "agents_without_owner": 1.0,
    "identities": -0.2,
    "agents": -0.3,
    "writing_grants": -0.1,
    "agents_without_trail": -0.3,
    "agents_unexplained": -0.3,
}


def figures_load(*, today: date) -> int:
    """Keep today's figures, and plausible ones for each day before."""
    figures_take(day=today)
    now = dict(DailyFigure.objects.filter(day=today).values_list("key", "value"))
    rng = Random(SEED)  # noqa: S311
    rows = [
        DailyFigure(day=today - timedelta(days=back), key=key, value=value)
        for back in range(1, DAYS)
        for key, value in _then(now, back / DAYS, rng).items()
    ]
    DailyFigure.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    return len(rows)


def _then(now: dict[str, int], age: float, rng: Random) -> dict[str, int]:
    values = {
        key: max(0, round(value * (1 + WORSE.get(key, 0.0) * age) + rng.uniform(-0.4, 0.4)))
        for key, value in now.items()
    }
    values["justified_grants"] = max(0, values["writing_grants"] - values["unjustified_grants"])
    return values
