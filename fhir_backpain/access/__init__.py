"""Who may use a gateway, and how they prove who they are."""
