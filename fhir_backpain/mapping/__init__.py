"""The mapping compiler: declarations that look like their result become plain functions."""
