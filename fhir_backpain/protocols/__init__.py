"""Protocols: stepped care for each cause, from guidelines, that drafts a plan for a clinician."""
