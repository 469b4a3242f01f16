"""Instruments: what is measured, with code, unit and range, one declarative file each."""
