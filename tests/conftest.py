"""Hypothesis for all tests: what takes long on a busy machine is no failure.

`HYPOTHESIS_PROFILE=thorough` looks at many more examples than a run has to.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("quick", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
