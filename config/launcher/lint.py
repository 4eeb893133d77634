"""`make lint` and `make format`."""

import json
import os
import subprocess
import sys

from config.launcher.demo import BIN, ROOT

PYTHON = ["apps", "config", "tests", "manage.py"]
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "config.settings.production",
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "ALLOWED_HOSTS": "countersign.example.com",
}


def lint(environment: dict[str, str]) -> int:
    templates = _templates()
    failed = [
        name
        for name, command, changes in (
            ("ruff", ["ruff", "check", *PYTHON], {}),
            ("ruff format", ["ruff", "format", "--check", *PYTHON], {}),
            ("mypy", ["mypy", "apps", "config"], {}),
            ("import-linter", ["lint-imports"], {}),
            ("djade", ["djade", "--check", "--target-version", "6.0", *templates], {}),
            ("djlint", ["djlint", "--lint", "--quiet", "templates"], {}),
            ("migrations", ["python", "manage.py", "makemigrations", "--check", "--dry-run"], {}),
            (
                "deployment",
                ["python", "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
                PRODUCTION,
            ),
        )
        if not _passes(name, command, environment | changes)
    ]
    if not _dependencies_are_sound():
        failed.append("pip-audit")
    _say(f"\nFailed: {', '.join(failed)}" if failed else "\nAll checks passed.")
    return 1 if failed else 0


def reformat() -> int:
    _passes("ruff", ["ruff", "check", "--fix", "--quiet", *PYTHON], {})
    _passes("ruff format", ["ruff", "format", *PYTHON], {})
    _passes("djade", ["djade", "--target-version", "6.0", *_templates()], {})
    return 0


def _templates() -> list[str]:
    return [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("templates/**/*.html"))]


def _passes(name: str, command: list[str], changes: dict[str, str]) -> bool:
    _say(f"-- {name}")
    program, *arguments = command
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test", **changes}
    done = subprocess.run([BIN / program, *arguments], cwd=ROOT, env=environment, check=False)
    return done.returncode == 0


def _dependencies_are_sound() -> bool:
    """Ask the database of known vulnerabilities, where it can be reached."""
    _say("-- pip-audit")
    lock = "requirements.lock"
    command = [str(BIN / "pip-audit"), "--requirement", lock, "--require-hashes", "--disable-pip"]
    done = subprocess.run(
        [*command, "--format", "json", "--progress-spinner", "off", "--timeout", "10"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        _say("skipped: the database of known vulnerabilities cannot be reached")
        return True
    hit = [one for one in found if one.get("vulns")]
    for one in hit:
        names = ", ".join(vulnerability["id"] for vulnerability in one["vulns"])
        _say(f"{one['name']} {one['version']}: {names}")
    return not hit


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
