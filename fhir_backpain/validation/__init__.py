"""Checks of records and resources: every problem at once, each with its place and next step."""
