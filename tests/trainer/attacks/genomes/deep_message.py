"""Sends JSON so deep that reading it takes all the stack."""

import prepare

prepare.referee.socket.send(b"[" * 4096)
prepare.referee.socket.recv(1)
