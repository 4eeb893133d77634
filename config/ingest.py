"""The process that takes in what agents tell: see `apps.api.ingest.door`."""

import gc
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")
django.setup()

from apps.api.ingest.door import Door  # noqa: E402 - models want the settings first

application = Door()

# What a record is read into refers to nothing that refers to it: the counts of references free
# it, and the collector, which would look at each new record several times, may come seldom.
gc.collect()
gc.freeze()
gc.set_threshold(100_000, 50, 100)
