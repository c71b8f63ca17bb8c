"""`python -m tasksync` is `tasksync`."""

from tasksync.cli import main

main()
