"""Facts of FHIR itself: releases, identity, canonical addresses, resources and bundles."""
