import pytest

from evolve.genome.decoding import decode_genome

SOURCE = 'NAME = "Zürich"\n'


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (SOURCE.encode(), SOURCE),
        (SOURCE.encode("utf-8-sig"), SOURCE),
        (SOURCE.replace("\n", "\r\n").encode(), SOURCE),
        (f"# coding: latin-1\n{SOURCE}".encode("latin-1"), f"# coding: utf-8\n{SOURCE}"),
        (
            f"#!/usr/bin/python\n# -*- coding: cp1252 -*-\n{SOURCE}# coding: x\n".encode("cp1252"),
            f"#!/usr/bin/python\n# -*- coding: utf-8 -*-\n{SOURCE}# coding: x\n",
        ),
        (b"", ""),
    ],
)
def test_a_python_file_is_read_as_python_reads_it(data: bytes, text: str) -> None:
    assert decode_genome(data, "python") == text
    before, after = {}, {}
    exec(compile(data, "before", "exec"), before)
    exec(compile(text.encode(), "after", "exec"), after)
    assert before.get("NAME") == after.get("NAME")


def test_prose_declares_nothing() -> None:
    text = "# coding: latin-1\nZürich"
    assert decode_genome(text.encode("utf-8-sig"), "prose") == text


@pytest.mark.parametrize("data", [b"x = '\xff'", b"# coding: nosuch\n", "x".encode("utf-16")])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"codec|encoding"):
        decode_genome(data, "python")
