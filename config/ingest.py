"""The process that takes in what agents tell: see `apps.api.ingest.door`.

Bodies are read in processes of their own. Threads of one would hand its interpreter to and fro;
and of several doors beside one another, one may have all the senders that stay connected.
"""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

from config import reader  # First: it loads Django.

from django.conf import settings  # isort: skip

from apps.api.ingest.door import Door  # isort: skip
from apps.api.ingest.readers import Readers  # isort: skip


# Memory that a body took is kept for the next: given back to the system, each page would have to be
# had anew. By the names of the GNU C library, which reads them where a process begins.
KEPT_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(64 * 1024 * 1024),
    "MALLOC_MMAP_THRESHOLD_": str(32 * 1024 * 1024),
}


def _readers() -> ProcessPoolExecutor:
    os.environ.update(KEPT_MEMORY)
    # Made by a server that has loaded everything and runs no thread: what it loaded is shared.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([reader.__name__])
    return ProcessPoolExecutor(settings.INGEST_READERS, context, initializer=reader.begin)


application = Door(Readers(_readers))
