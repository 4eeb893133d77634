import os
import subprocess
import sys

import pytest

from config import env
from tests.launcher.conftest import ROOT


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgres://app:p%40ss@db.example.com:5433/countersign?sslmode=require",
            ("countersign", "app", "p@ss", "db.example.com", 5433, {"sslmode": "require"}),
        ),
        (
            "postgresql://app:secret@/countersign?host=/srv/data/run",
            ("countersign", "app", "secret", "/srv/data/run", "", {}),
        ),
        ("postgres://app@127.0.0.1/", ("countersign", "app", "", "127.0.0.1", "", {})),
    ],
    ids=["over tcp", "over a socket", "without a name"],
)
def test_a_database_is_read_from_its_url(url, expected):
    read = env.database_settings(url)

    parts = ("NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
    assert tuple(read[part] for part in parts) == expected


def test_a_url_of_another_kind_of_database_is_refused():
    with pytest.raises(env.Misconfigured, match=r"must start with postgres://"):
        env.database_settings("mysql://app@db.example.com/countersign")


def test_mail_is_read_from_its_url():
    mailers = env.mailers("smtp://app:p%40ss@mail.example.com:587?tls=1")

    assert mailers["default"]["OPTIONS"] == {
        "host": "mail.example.com",
        "port": 587,
        "username": "app",
        "password": "p@ss",
        "use_ssl": False,
        "use_tls": True,
        "timeout": 20,
    }


def test_production_demands_a_secret_key():
    environment = {name: value for name, value in os.environ.items() if name != "SECRET_KEY"}

    done = subprocess.run(
        [sys.executable, "-c", "import config.settings.production"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert 'Environment variable "SECRET_KEY" not set' in done.stderr


def test_production_passes_every_deployment_check():
    environment = {
        # Browser tests set this for their own process; a deployment never does.
        **{name: value for name, value in os.environ.items() if "ASYNC_UNSAFE" not in name},
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "ALLOWED_HOSTS": "countersign.example.com",
    }

    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "System check identified no issues (0 silenced).\n"
