"""Production's settings over plain HTTP on this machine alone, as `make demo` starts them."""

from config import env
from config.settings.production import *  # noqa: F403

CSRF_TRUSTED_ORIGINS = []
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 0
SESSION_COOKIE_SECURE = False
SESSION_COOKIE_NAME = "sessionid"
CSRF_COOKIE_SECURE = False
CSRF_COOKIE_NAME = "csrftoken"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True

STATIC_ROOT = env.directory("STATIC_ROOT", DATA_DIR / "static")  # noqa: F405
# What stands in for a provider on this machine.
CONNECTION_HOSTS = env.words("CONNECTION_HOSTS", ["127.0.0.1", "localhost"])
MAILERS = env.mailers(env.text("EMAIL_URL", f"file://{DATA_DIR}/mail"))  # noqa: F405
LOGGING["handlers"]["console"]["formatter"] = "plain"  # type: ignore[index]  # noqa: F405
LOGGING["loggers"]["celery.app.trace"] = {"level": "WARNING"}  # type: ignore[index]  # noqa: F405
