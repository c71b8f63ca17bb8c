"""What surrounds the engine in a running process: clock, logs."""
