"""Intake: from files of any supported form to checked records, with an account of everything."""
