"""`normwise migrate`: a script of Keras 1 or 2 in, one of Keras 3 out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from normwise.cli.clear_errors import REFUSED, clear_errors
from normwise.cli.console import line, messages, write_text
from normwise.cli.options import Quiet

SOMETHING = 1


def migrate(
    script: Annotated[
        Path, typer.Argument(metavar="SCRIPT.py", help="A script of Keras 1 or 2, or of tf.keras.")
    ],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[-- ARGUMENTS…]", help="With --run: those of the script.")
    ] = None,
    *,
    diff: Annotated[bool, typer.Option("--diff", help="Show what changes, as a unified diff.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; the exit status is 1 if something would change.")
    ] = False,
    in_place: Annotated[bool, typer.Option("--in-place", help="Write the new code into the file.")] = False,
    run: Annotated[
        bool,
        typer.Option("--run", help="Run the new code, on KERAS_BACKEND or JAX; the file stays as it is."),
    ] = False,
    advise: Annotated[
        bool, typer.Option("--advise", help="Say what the doctor would of the code that can be seen.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Rewrite a script of Keras 1 or 2 for Keras 3; comments and layout stay.

    The new code goes to standard output. What cannot be rewritten with certainty is left as it is, and listed
    with its line on standard error; the exit status is then 1.

    Examples:

    - `normwise migrate train.py > train3.py`

    - `normwise migrate train.py --run -- --epochs 3`

    - `normwise migrate train.py --diff --advise`
    """
    chosen = [
        name
        for name, on in (("--diff", diff), ("--check", check), ("--in-place", in_place), ("--run", run))
        if on
    ]
    if len(chosen) > 1:
        raise typer.BadParameter(f"{' and '.join(chosen)} are two things to do; expected one of them.")
    if arguments and not run:
        raise typer.BadParameter(f"{' '.join(arguments)!r} are arguments of the script; they need --run.")
    with clear_errors():
        from normwise.cli.migrate_result import show_migration
        from normwise.migrate.script import read_script
        from normwise.workflows.migrate_script import difference, migrate_script, run_migrated, write_in_place

        read = read_script(script)
        migration = migrate_script(read, advise)
        show_migration(script, migration, every=check, quiet=quiet)
        status = 0
        if in_place and migration.code != read.code:
            write_in_place(read, migration)
        elif diff:
            write_text(difference(read, migration), read.encoding.removesuffix("-sig"))
        elif run:
            status = run_migrated(read, migration, arguments or ())
        elif not (check or in_place):
            write_text(migration.code, read.encoding)
        if status:
            line(messages(), f"the new code ended with status {status}", style="bold red", label="error: ")
            raise typer.Exit(REFUSED)
        if migration.left or (check and migration.code != read.code):
            raise typer.Exit(SOMETHING)
