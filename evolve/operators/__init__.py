"""The operators: each turns one or two parents into one child's source text."""
