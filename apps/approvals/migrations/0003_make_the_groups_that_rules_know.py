from django.db import migrations

GROUPS = {
    "security": ("Security", "Approves what policies ask security about."),
    "fallback": (
        "Approval fallback",
        "Asked when a step's time is up. Empty: every steward is asked.",
    ),
    "break_glass": (
        "Break-glass",
        "May take access in an emergency, for a short time. Empty: nobody may.",
    ),
    "on_call": ("On call", "Paged when something cannot wait."),
}


def make_groups(apps, schema_editor):
    group = apps.get_model("approvals", "Group")
    for key, (name, purpose) in GROUPS.items():
        group.objects.get_or_create(key=key, defaults={"name": name, "purpose": purpose})


class Migration(migrations.Migration):
    dependencies = [("approvals", "0002_guard_the_records")]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
