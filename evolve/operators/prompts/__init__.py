"""All that a language model reads: instructions, requests, background, lessons, quotations."""
