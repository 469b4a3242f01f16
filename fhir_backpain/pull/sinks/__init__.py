"""Where pulled records go: files, tables, a folder, a webhook."""
