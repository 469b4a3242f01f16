"""The slot functions: how a value of the source becomes a value of the target."""
