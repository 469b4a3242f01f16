"""The way back: from resources to records, by the same declarations."""
