"""Configuration: a YAML file and the environment, made into frozen models.

`document` reads the file and remembers on which line everything stands, `settings` holds the models, `connections`
resolves secrets and lets each connector judge its own keys, `loading` puts it all together. Whatever is wrong comes out
as one `ConfigError` that lists every problem with file, line and key, and never a value that may be a secret.
"""

from tasksync.config.loading import Config, Group, find_config, load_config
from tasksync.config.serving import Serving
from tasksync.config.settings import Listen, LogSettings, RetrySettings, SyncSettings

__all__ = [
    "Config",
    "Group",
    "Listen",
    "LogSettings",
    "RetrySettings",
    "Serving",
    "SyncSettings",
    "find_config",
    "load_config",
]
