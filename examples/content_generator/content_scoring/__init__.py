"""How an article is scored against its topic's sources, the template and the style guide."""
