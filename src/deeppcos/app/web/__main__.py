"""Django's own commands, for those who keep an installation: ``python -m deeppcos.app.web``."""

import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deeppcos.app.web.settings")
if __name__ == "__main__":
    execute_from_command_line(sys.argv)
