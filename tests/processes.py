"""For tests that start a process of their own on the database of the test."""

from django.db import connection


def database_url() -> str:
    """The address of the test's database; sockets and passwords included."""
    at = connection.settings_dict
    login = f"{at['USER']}:{at['PASSWORD']}" if at["PASSWORD"] else at["USER"]
    port = f"?port={at['PORT']}" if at["PORT"] else "?"
    return f"postgres://{login}@/{at['NAME']}{port}&host={at['HOST']}"
