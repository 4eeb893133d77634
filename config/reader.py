"""What a process that reads bodies loads before it begins: see `apps.api.ingest.readers`."""

import gc
import multiprocessing
import os
import signal
import threading

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")
django.setup()

import apps.api.ingest.reading  # noqa: E402, F401 - models want the settings first

# What a record is read into refers to nothing that refers to it: the counts of references free
# it, and the collector, which would look at each new record several times, may come seldom.
gc.collect()
gc.freeze()
gc.set_threshold(100_000, 50, 100)


def begin() -> None:
    """End when the door does, however that ends; a Ctrl-C is for the door alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_door, daemon=True).start()


def _end_with_door() -> None:
    door = multiprocessing.parent_process()
    if door is not None:
        door.join()
        os._exit(1)
