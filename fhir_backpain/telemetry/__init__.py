"""What a process tells of itself: log lines, figures, ids of requests; no value of a patient."""
