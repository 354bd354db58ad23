"""A genome's file as text: a Python file as Python itself reads it."""

from __future__ import annotations

import io
import re
import tokenize

COOKIE = re.compile(r"^([ \t\f]*#.*?coding[:=][ \t]*)[-\w.]+", re.MULTILINE)  # PEP 263


def decode_genome(data: bytes, language: str) -> str:
    """Decode a genome: without its byte order mark, in the encoding that a Python file declares.

    Genomes are stored and run in UTF-8, so a declaration of another encoding becomes one of that.

    Args:
        data: Content of the file.
        language: Language of the genome, such as "python".

    Raises:
        ValueError: It is no text, or declares an encoding that does not exist or does not fit.
    """
    encoding = "utf-8-sig"
    if language == "python":
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        except SyntaxError as error:
            raise ValueError(str(error)) from error
    text = data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    if encoding not in ("utf-8", "utf-8-sig"):
        first = text.split("\n", 2)
        head = [COOKIE.sub(r"\1utf-8", line) for line in first[:2]]
        text = "\n".join([*head, *first[2:]])
    return text
