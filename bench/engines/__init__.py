"""The engines: each folder makes the same Bundle from the same line, in that engine's own style."""
