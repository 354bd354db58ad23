"""Sends a message of a hundred kilobytes."""

import prepare

prepare.referee.ask("start" + " " * 100_000)
