"""The only place that builds things: from a `Config` to what a command does, and back to nothing.

`surroundings` is what every process has, `connecting` makes connectors, `mirrors` opens the mirror, `syncing` runs one
cycle, `daemon` many of them, `health` asks a daemon how it is, and `checking` the CRMs. Nothing is imported here: a
command takes what it needs, and starts as fast as that allows.
"""
