from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from psycopg import sql

WRITABLE = sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}")
SEQUENCES = sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}")
APPEND_ONLY = sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}")
# The migrations' AppendOnly marks them with a trigger of this name, which partitions inherit.
TABLES_WRITTEN_ONCE = r"""
    SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE (tgname = relname || '_append_only' OR tgparentid <> 0 AND tgname LIKE '%\_append\_only')
      AND pg_table_is_visible(pg_class.oid)
    ORDER BY relname
"""
LATER_TABLES = sql.SQL(
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}"
)
LATER_SEQUENCES = sql.SQL(
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {}"
)


class Command(BaseCommand):
    help = "Give the application role what it needs, and no right to change what is written once."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("role", help="the role that DATABASE_URL signs in as")

    def handle(self, *, role: str, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user = %s, to_regrole(%s) IS NOT NULL", [role, role])
            is_owner, exists = cursor.fetchone()
            if is_owner:
                raise CommandError(f"{role} owns the tables. Sign in as the owner, grant another.")
            if not exists:
                raise CommandError(f"There is no role {role}.")
            self._grant(cursor, sql.Identifier(role))
        self.stdout.write(f"{role} may work, and only add to the tables that are written once.")

    def _grant(self, cursor: Any, role: sql.Identifier) -> None:
        for statement in (WRITABLE, SEQUENCES, LATER_TABLES, LATER_SEQUENCES):
            cursor.execute(statement.format(role))
        cursor.execute(TABLES_WRITTEN_ONCE)
        for (table,) in cursor.fetchall():
            cursor.execute(APPEND_ONLY.format(sql.Identifier(table), role))
