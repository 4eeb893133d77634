"""Migration operations any app may use."""

from django.db import migrations


class TrigramIndex(migrations.RunSQL):
    """Serve `icontains` on one column by pg_trgm, where the server has that extension."""

    def __init__(self, label: str, column: str = "search"):
        table = label.replace(".", "_")
        name = f"{table}_{column}_trgm"
        super().__init__(
            sql=f"""
                DO $$ BEGIN
                    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') THEN
                        CREATE EXTENSION IF NOT EXISTS pg_trgm;
                        CREATE INDEX {name} ON {table} USING gin (upper({column}) gin_trgm_ops);
                    END IF;
                END $$;
            """,
            reverse_sql=f"DROP INDEX IF EXISTS {name};",
        )
        self.label, self.column = label, column

    def deconstruct(self) -> tuple[str, list[str], dict[str, str]]:
        return self.__class__.__qualname__, [self.label, self.column], {}
