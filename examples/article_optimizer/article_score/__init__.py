"""The score of an article: five measured parts and what keeps them honest; see ../README.md."""
