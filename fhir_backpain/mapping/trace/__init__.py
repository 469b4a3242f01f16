"""What a mapping does, shown: its plan, the origin of each leaf it makes, and what is lost."""
