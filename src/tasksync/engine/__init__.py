"""The shell's spine: poll, meet, push, cycle. Knows the ports and the core, and no library."""
