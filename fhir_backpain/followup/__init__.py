"""Follow-up: how patients fare over time, how near their goals are, how their plans changed."""
