"""The score of an article: five parts, and what keeps them honest; see ../README.md."""
