"""The process that takes in what agents tell: see `apps.api.ingest.door`.

Bodies are read in processes of their own. Threads of one would hand its interpreter to and fro;
and of several doors beside one another, one may have all the senders that stay connected.
"""

import fcntl
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from typing import Any

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
# A body of 512 records goes into its pipe at once, and so does most of what is read of it. As it is
# made, a pipe takes 64 KiB: ten pieces, with either side waiting for the other.
PIPE = 1024 * 1024


def _readers() -> ProcessPoolExecutor:
    os.environ.update(KEPT_MEMORY)
    # Made by a server that has loaded everything and runs no thread: what it loaded is shared.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([reader.__name__])
    pool = ProcessPoolExecutor(settings.INGEST_READERS, context, initializer=reader.begin)
    _widen(pool)
    return pool


def _widen(pool: ProcessPoolExecutor) -> None:
    """Linux alone lets pipes be made wider, and each user only so many; it works as they are, too.

    The pool has no public name for them.
    """
    queues: Any = pool
    with suppress(AttributeError, OSError):
        for pipe in (queues._call_queue._writer, queues._result_queue._reader):
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE)


application = Door(Readers(_readers))
