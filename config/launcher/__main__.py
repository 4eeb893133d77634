import errno
import os
import sys

from config.launcher.data import Refused
from config.launcher.demo import demo
from config.launcher.lint import reformat
from config.launcher.suite import bench, lint, test

COMMANDS = {
    "demo": lambda arguments: demo(),
    "test": test,
    "bench": bench,
    "lint": lint,
    "format": lambda arguments: reformat(),
}
NO_ROOM = os.strerror(errno.ENOSPC)
FULL = "The disk that holds the data directory is full: free some room and start again."


def main(name: str = "", *arguments: str) -> int | str:
    if name not in COMMANDS:
        return f"Choose one of {', '.join(COMMANDS)}."
    try:
        return COMMANDS[name](list(arguments))
    except Refused as refusal:
        return FULL if NO_ROOM in str(refusal) else str(refusal)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return FULL
        return f"The launcher was stopped by the operating system: {error}."


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
