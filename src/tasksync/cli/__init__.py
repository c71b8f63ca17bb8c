"""What a person sees: one module per family of commands."""

from tasksync.bootstrap.garbage import collect_no_more, collect_seldom


def main() -> None:
    """Run the command of `sys.argv`. An operator's mistake gets a sentence and an exit code, never a traceback."""
    collect_seldom()
    # What it imports is the first that the collector need not look at.
    from tasksync.cli.app import run  # noqa: PLC0415

    try:
        run()
    finally:
        collect_no_more()
