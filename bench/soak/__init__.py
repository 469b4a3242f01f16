"""A soak: many resources, faults and kills, and a check of every resource at the end."""
