"""Migrations that render models once for many operations: nearly all that a migration costs."""

from collections.abc import Iterator, Sequence
from typing import Any, override

from django.db import migrations
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

MADE = (migrations.CreateModel,)
CHANGED = (
    migrations.AddField,
    migrations.AlterField,
    migrations.AddIndex,
    migrations.RemoveIndex,
    migrations.AddConstraint,
    migrations.RemoveConstraint,
)


class AtOnce(migrations.Migration):
    """Its operations, in as few goes as may be: those of one go share one rendering.

    An operation of a go sees models as they are before all of it and after all of it.
    """

    @override
    def apply(
        self, project_state: ProjectState, schema_editor: Any, collect_sql: bool = False
    ) -> ProjectState:
        if collect_sql:
            return super().apply(project_state, schema_editor, collect_sql)
        for go in goes(self.operations):
            before = project_state.clone()
            _changed(project_state, self.app_label, go)
            for operation in go:
                operation.database_forwards(self.app_label, schema_editor, before, project_state)
        return project_state


def goes(operations: Sequence[Operation]) -> Iterator[list[Operation]]:
    """A model is made whole, and a field changed once, in a go; what is unusual has its own."""
    go: list[Operation] = []
    made, changed = set[str](), set[tuple[str, str]]()
    for operation in operations:
        model, field = _model_of(operation), _field_of(operation)
        is_usual = isinstance(operation, (*MADE, *CHANGED)) or _is_plain_sql(operation)
        is_late = not isinstance(operation, MADE) and model in made
        if go and (not is_usual or is_late or (model, field) in changed):
            yield go
            go, made, changed = [], set(), set()
        go.append(operation)
        if not is_usual:
            yield go
            go = []
        elif isinstance(operation, MADE):
            made.add(model)
        elif field:
            changed.add((model, field))
    if go:
        yield go


def _changed(state: ProjectState, app_label: str, go: list[Operation]) -> None:
    """Apply the operations to a state, and render anew what they changed, if it is rendered."""
    rendered = state.__dict__.pop("apps", None) if len(go) > 1 else None
    for operation in go:
        operation.state_forwards(app_label, state)
    if rendered is not None:
        state.apps = rendered
        state.reload_models([(app_label, name) for one in go if (name := _model_of(one))])


def _model_of(operation: Operation) -> str:
    if isinstance(operation, MADE):
        return operation.name_lower
    return operation.model_name.lower() if isinstance(operation, CHANGED) else ""


def _field_of(operation: Operation) -> str:
    named = (migrations.AddField, migrations.AlterField)
    return operation.name_lower if isinstance(operation, named) else ""


def _is_plain_sql(operation: Operation) -> bool:
    return isinstance(operation, migrations.RunSQL) and not operation.state_operations
