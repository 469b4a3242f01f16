"""How fast and lean the mapping is, beside other engines that do the same work: `make bench`."""
