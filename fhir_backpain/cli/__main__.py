"""Lets the command line run as ``python -m fhir_backpain.cli``."""

from fhir_backpain.cli.main import main

main()
