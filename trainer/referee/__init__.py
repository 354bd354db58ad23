"""The referee, which scores a language model from the trusted side; see docs/protocol.md."""
