"""The soak's short form. The long one: python -m tests.soak."""

from __future__ import annotations

import os
from pathlib import Path
from random import SystemRandom

from soaking import Soak
from working_day import working_day

SOAK_S = float(os.environ.get("TASKSYNC_SOAK_S", "60"))


def test_after_unrest_all_is_in_step_and_nothing_has_grown(tmp_path: Path, table: list[str]) -> None:
    """People work in three CRMs that lie and fail, and a daemon polls them every second. Once it is quiet, all CRMs
    show the same tasks, each once, nothing is missing that nobody deleted, nothing waits, nothing is in doubt, and
    neither memory nor descriptors have grown.
    """
    seed = int(os.environ.get("TASKSYNC_SOAK_SEED") or SystemRandom().randrange(1_000_000))
    with working_day(tmp_path) as firm:
        soak = Soak(firm=firm, seed=seed, length_s=SOAK_S)
        try:
            soak.run()
        finally:
            table += soak.table()
