"""Django's own commands, for those who keep an installation: ``python -m deeppcos.app.web``."""

import sys

from django.core.management import execute_from_command_line

from deeppcos.app.web.preparing import set_up_django

if __name__ == "__main__":
    set_up_django()
    execute_from_command_line(sys.argv)
