"""Carries back-pain care between clinic systems and any FHIR server, both ways."""

__version__ = "0.1.0"
