import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def say_which_release_was_shown(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Readings kept so far that showed the machine's marks showed those of their base."""
    mark_sets = apps.get_model("web", "MarkSet").objects.filter(purpose="review")
    mark_sets.filter(machine_shown_first=True).update(release_shown=models.F("base_release"))


class Migration(migrations.Migration):
    dependencies = [
        ("web", "0006_connections"),
    ]

    operations = [
        migrations.AddField(
            model_name="markset",
            name="release_shown",
            field=models.CharField(
                blank=True,
                help_text="Release whose marks were shown; empty when none were.",
                max_length=64,
            ),
        ),
        migrations.RunPython(say_which_release_was_shown, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="markset",
            name="seconds_spent",
            field=models.FloatField(
                default=0.0,
                help_text="Time at work up to the last correction; a Sitting holds all of it.",
            ),
        ),
        migrations.CreateModel(
            name="Sitting",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("reader_role", models.CharField(blank=True, max_length=16)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("review", "review"),
                            ("second", "second reading"),
                            ("adjudication", "adjudication"),
                        ],
                        default="review",
                        max_length=12,
                    ),
                ),
                ("seconds", models.FloatField(default=0.0)),
                (
                    "machine_shown_first",
                    models.BooleanField(
                        help_text="Whether the machine's marks were shown before the first correction, if any."
                    ),
                ),
                (
                    "release_shown",
                    models.CharField(
                        blank=True,
                        help_text="Release whose marks were shown; empty when none were.",
                        max_length=64,
                    ),
                ),
                ("begun_at", models.DateTimeField(auto_now_add=True)),
                ("heard_at", models.DateTimeField(auto_now=True)),
                (
                    "base",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sittings",
                        to="web.assessment",
                    ),
                ),
                (
                    "reader",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sittings",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "study",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sittings",
                        to="web.study",
                    ),
                ),
            ],
            options={
                "ordering": ["begun_at"],
            },
        ),
    ]
