"""The search: its command line, the loop, the operators, the prompts and what the user sees."""
