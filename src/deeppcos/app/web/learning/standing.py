"""Whether there is an installation at all in the data folder that a command names.

Owns one check: a data base that was just made by opening it holds no tables.
"""

from django.conf import settings
from django.db import connection

from deeppcos.app.web.models import Study
from deeppcos.errors import InvalidInput


def refuse_without_desk() -> None:
    """Refuse a data folder in which no desk was ever begun.

    Raises:
        InvalidInput: If its data base holds no studies' table.
    """
    if Study._meta.db_table in connection.introspection.table_names():
        return
    raise InvalidInput(
        "there is no desk in this data folder",
        value=str(settings.DEEPPCOS_HOME),
        accepted="the data folder of an installation",
        remedy="name it with --home or DEEPPCOS_HOME, or begin one with `deeppcos serve`",
    )
