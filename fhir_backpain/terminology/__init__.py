"""Concepts and concept maps: the codes that the package may emit, and nothing else."""
