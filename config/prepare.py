"""Before the first page: check, migrate as the owner, make the owner's account and the demo. One process, one import.

Prints MIGRATED when pages can be served, then what `first_start --json` prints.
"""

from io import StringIO

import django
from django.core.management import call_command

MIGRATED = "migrated"


def main() -> None:
    django.setup()
    call_command("migrate", database="owner", interactive=False, verbosity=0)
    call_command("check", tags=["database"], databases=["default"], stdout=StringIO())  # errors come as an exception
    print(MIGRATED, flush=True)
    call_command("first_start", "--json")


if __name__ == "__main__":
    main()
