"""Makes an installation ready: folder, key, tables, a site, an account, the example.

Owns the order. Everything may be done twice; what is there stays.
"""

import os
from pathlib import Path

from deeppcos.app.web.environment import Environment, read_environment
from deeppcos.app.web.secret_key import keep_a_secret

FIRST_SITE = ("Clinic", "clinic")


def set_up_django(home: Path | None = None) -> Environment:
    """Read the environment, make the data folder and its key, and start Django.

    Args:
        home: Data folder that somebody named, before that of the environment; None names none.

    Returns:
        What the environment said.

    Raises:
        InvalidInput: If a variable cannot be meant.
    """
    if home is not None:
        # Told to every process this one starts, and to the settings, which read it themselves.
        os.environ["DEEPPCOS_HOME"] = str(home.absolute())
    environment = read_environment()
    if environment.secret_key:
        environment.home.mkdir(parents=True, exist_ok=True)
    else:
        keep_a_secret(environment.home)
    (environment.home / "incoming").mkdir(exist_ok=True)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deeppcos.app.web.settings")
    import django

    django.setup()
    return environment


def prepare() -> str | None:
    """Bring the tables up to date and make sure somebody can come in.

    Returns:
        The path of the one-time link while nobody has an account yet, else None.
    """
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    from deeppcos.app.web.accounts.invitations import first_account, invitation_path
    from deeppcos.app.web.models import Site

    site = Site.objects.order_by("pk").first()
    if site is None:
        site = Site.objects.create(name=FIRST_SITE[0], slug=FIRST_SITE[1])
    user = first_account(site)
    return None if user is None else invitation_path(user)


def add_example() -> None:
    """Put the example study into a new installation and have it read."""
    from django.db import transaction

    from deeppcos.app.web import jobs
    from deeppcos.app.web.models import Site
    from deeppcos.app.web.studies.example import example_study

    site = Site.objects.order_by("pk").first()
    with transaction.atomic():
        study = example_study(site) if site else None
        if study is not None:
            jobs.ask("analyse", study=study)
