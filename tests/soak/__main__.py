"""The soak, by hand, from the root of the repository: python -m tests.soak [--minutes 10] [--seed N]."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from random import SystemRandom

sys.path.insert(0, str(Path(__file__).parents[1] / "harness"))

from soaking import Soak
from working_day import working_day


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default: 10)")
    parser.add_argument("--seed", type=int, default=None, help="of what people do and what goes wrong (default: any)")
    given = parser.parse_args()
    seed = SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    say(f"seed {seed}, {given.minutes:g} minutes and some quiet")
    with tempfile.TemporaryDirectory(prefix="tasksync-soak-") as folder, working_day(Path(folder)) as firm:
        soak = Soak(firm=firm, seed=seed, length_s=given.minutes * 60)
        soak.run()
    for line in soak.table():
        say(line)
    say("All is in step: nothing lost, nothing doubled, nothing left to do.")


if __name__ == "__main__":
    main()
