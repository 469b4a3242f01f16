"""The files that the package ships: mappings and profiles, in a checkout or in a wheel."""
