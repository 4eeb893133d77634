from typing import Any

from django.core.management.base import BaseCommand

from apps.activity.services.hours import hours_count, hours_note_all
from apps.proof.models import Log


class Command(BaseCommand):
    help = (
        "Count the trail anew by the hour, from the records that are kept: what systems recorded of"
        " each identity, and what each agent said it did. Safe at any time, and safe to stop."
    )

    def handle(self, **options: Any) -> None:
        log = Log.objects.filter(name="activity").first()
        noted = hours_note_all(log.pk) if log else 0
        self.stdout.write(f"{noted} hours to count.")
        while hours_count():
            continue
        self.stdout.write("Counted.")
