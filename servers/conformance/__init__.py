"""The conformance run: HL7's validator over all that the project ships and makes."""
