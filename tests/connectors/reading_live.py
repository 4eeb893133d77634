"""Reading a connection as its job does, for tests of any kind of system."""

from django.db import connection as database

from apps.connectors.models import Connection
from apps.connectors.services.discovering import connection_discover
from apps.core.jobs import job_start


def discovered(made: Connection, system) -> str:
    """Read every part of a connection; returns what the job says at its end."""
    job = job_start(
        kind="connectors.discover",
        task="connectors.discover",
        subject=made,
        actor=system,
    )
    return connection_discover(job=job, actor=system, told=lambda *_: None)


def everything_stored() -> str:
    """All rows of all tables as text: what was kept at all is in it."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(table_name) FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        tables = [name for (name,) in cursor.fetchall()]
        texts = []
        for table in tables:
            cursor.execute(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t")  # noqa: S608
            texts.append(cursor.fetchone()[0])
    return " ".join(texts)
