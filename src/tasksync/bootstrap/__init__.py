"""The only place that builds things: from a `Config` to what a command does, and back to nothing.

`surroundings` is what every process has, `connecting` makes connectors, `oauth` signs them in, `mirrors` opens the
mirror, `syncing` runs one cycle, `daemon` many of them, `health` asks a daemon how it is, `checking` the CRMs, and
`garbage` is what Python's collector need not look at. Nothing is imported here: a command takes what it needs, and
starts as fast as that allows.
"""
