"""Programs that are not ours (Java, Maven, npm): found, checked, run; their products kept."""
