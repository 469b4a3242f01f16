"""An embedded FHIR R4 server over SQLite, for the demo and for tests; not for patient data."""

from fhir_backpain.sandbox.app import close_app, create_app
from fhir_backpain.sandbox.faults import FaultPlan, FaultRule
from fhir_backpain.sandbox.server import SandboxServer, serve

__all__ = ["FaultPlan", "FaultRule", "SandboxServer", "close_app", "create_app", "serve"]
