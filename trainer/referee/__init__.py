"""Who scores a language model: the trusted side of its run; docs/protocol.md describes it."""
