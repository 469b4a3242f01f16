"""Takes records over HTTP, keeps them safely, and sends them to a FHIR server in the background."""
