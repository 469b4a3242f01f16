"""Compiled mappings, made again for the shapes of records that are seen often."""
