"""Before the first page: check, migrate as the owner, make the owner's account and the demo. One process, one import.

Prints what `first_start --json` prints, nothing else.
"""

from io import StringIO

import django
from django.core.management import call_command


def main() -> None:
    django.setup()
    call_command("migrate", database="owner", interactive=False, verbosity=0)
    call_command("check", databases=["default"], stdout=StringIO())  # errors come as an exception
    call_command("first_start", "--json")


if __name__ == "__main__":
    main()
