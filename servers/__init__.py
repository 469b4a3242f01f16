"""Real counterparts for tests and demonstrations: a HAPI FHIR server and HL7's validator.

Both come from package registries once, are kept in a cache, and run offline from then on::

    python -m servers hapi start
    python -m servers validator check FILES...

    with servers.hapi.HapiServer() as hapi: ...
    with fhir_backpain.hl7.validator.Validator() as validator: ...

This package belongs to the checkout and is not part of the installed product.
It locks files and ends processes the POSIX way: Linux, macOS, or Windows through WSL.
"""
