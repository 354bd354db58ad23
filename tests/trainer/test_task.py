from __future__ import annotations

import math
import string
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from population import Direction
from trainer.formula import Formula
from trainer.items import Item
from trainer.task import TaskError, check_output, load_task

HEAD = {
    "name": '"toy"',
    "genome": '"toy.py"',
    "run": '["python", "toy.py"]',
    "metric": '"loss"',
    "direction": '"maximize"',
    "budget": "5",
}
AXES = """
[[axes]]
name = "a"
measure = "x"
[[axes]]
name = "b"
measure = "x / y"
"""
NO_NAMES = ("my/task", "../../x", "..", ".x", "-rf", "two words", "_x")


def program(folder: Path, axes: str = AXES, **changes: str | None) -> Path:
    (folder / "toy.py").write_text("")
    lines = [f"{k} = {v}" for k, v in {**HEAD, **changes}.items() if v is not None]
    (folder / "program.md").write_text("\n".join(["+++", *lines, axes, "+++", "", "Do it.", ""]))
    return folder


def test_a_small_head_has_defaults(tmp_path: Path) -> None:
    task = load_task(program(tmp_path))
    assert task.direction is Direction.MAXIMIZE
    assert (task.budget, task.overhead, task.language) == (5.0, 60.0, "python")
    assert (task.setup, task.fixed, task.requires, task.memory) == ((), (), (), None)
    assert task.exact is False
    assert task.instructions == "Do it."
    first, second = task.axes
    assert (first.label, first.unit, first.log, first.around) == ("a", "", True, (0.25, 4.0))
    assert second.measure({"x": 6, "y": 4}) == 1.5


def test_every_key_is_read(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    axes = AXES + 'label = "B"\nunit = "m"\nscale = "linear"\nbounds = [-1, 2.5]\naround = [1, 2]\n'
    task = load_task(
        program(
            tmp_path,
            axes,
            language='"prose"',
            setup='["make"]',
            fixed='["./given"]',
            requires='["word"]',
            overhead="2.5",
            noise='"none"',
            memory='"m / 2"',
        )
    )
    assert (task.language, task.setup, task.fixed) == ("prose", ("make",), ("given",))
    assert (task.requires, task.overhead, task.exact) == (("word",), 2.5, True)
    assert task.memory is not None
    assert task.memory({"m": 3}) == 1.5
    axis = task.axes[1]
    assert (axis.label, axis.unit, axis.log) == ("B", "m", False)
    assert (axis.bounds, axis.around) == ((-1.0, 2.5), (1.0, 2.0))


def test_the_contract_may_lie_elsewhere(tmp_path: Path) -> None:
    folder = program(tmp_path)
    copy = tmp_path / "copy.md"
    copy.write_text("\ufeff" + (folder / "program.md").read_text().replace("Do it", "Do that"))
    task = load_task(folder, copy)
    assert task.instructions == "Do that."
    assert task.folder == folder.resolve()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        *(({key: None}, f"the key `{key}` is missing") for key in HEAD if key != "run"),
        ({"run": None}, "`run` should name the command that runs a genome, or `score`"),
        ({"nam": '"x"'}, "the key `nam` is unknown"),
        ({"name": "3"}, "`name = 3` should be a text"),
        ({"name": '""'}, "`name` should not be empty"),
        *(({"name": f'"{name}"'}, f'`name = "{name}"` should be one word') for name in NO_NAMES),
        ({"run": '"python"'}, "`run = 'python'` should be a list of texts"),
        ({"run": "[1]"}, "`run = [1]` should be a list of texts"),
        ({"run": "[]"}, "`run` should name the command"),
        ({"run": '[""]'}, "the first word of `run` should be a program, not empty"),
        ({"setup": '[" ", "x"]'}, "the first word of `setup` should be a program, not empty"),
        ({"score": '["x"]'}, "`run` and `score` exclude each other"),
        ({"environment": '["KEY"]'}, "`environment` is for a `score` command"),
        ({"start": '"gone.py"'}, "the genome `gone.py` is no file in"),
        ({"shows": '["gone.md"]'}, "`gone.md`, which `shows` names, is not in"),
        ({"shows": '["../x"]'}, '`shows = "../x"` should be a path within'),
        ({"notes": '"gone.md"'}, "`gone.md` is not in"),
        ({"items": '"gone.md"'}, "`gone.md` is not in"),
        ({"output": '"toy.py"'}, "`output` may not be `toy.py`: it would overwrite the genome"),
        ({"items": '"{item}.md"'}, "{item} cannot stand in `items`"),
        ({"notes": '"{item}.md"'}, "{item} cannot stand in `notes`"),
        ({"fixed": '["{item}"]'}, "`fixed` names {item}, but the task has no `items`"),
        ({"shows": '["a", "{item}"]'}, "`shows` names {item}, but the task has no `items`"),
        ({"output": '"{item}.md"'}, "`output` names {item}, but the task has no `items`"),
        ({"target": "nan"}, "`target = nan` should be finite"),
        ({"generations": "-1"}, "`generations = -1` should be above 0"),
        ({"generations": "0"}, "`generations = 0` should be above 0"),
        ({"children": "0.5"}, "`children = 0.5` should be a whole number"),
        ({"budget": '"5"'}, "`budget = '5'` should be a number"),
        ({"budget": "true"}, "`budget = True` should be a number"),
        ({"budget": "0"}, "`budget = 0` should be above 0"),
        ({"budget": "nan"}, "`budget = nan` should be above 0"),
        ({"budget": "inf"}, "`budget = inf` should be above 0"),
        ({"overhead": "-1"}, "`overhead = -1` should be above 0"),
        ({"direction": '"up"'}, '`direction = "up"` should be one of minimize, maximize'),
        ({"noise": '"some"'}, '`noise = "some"` should be one of measured, none'),
        ({"language": '"c"'}, '`language = "c"` should be one of python, prose'),
        ({"genome": '"../x.py"'}, '`genome = "../x.py"` should be a path within'),
        ({"genome": '"/x.py"'}, '`genome = "/x.py"` should be a path within'),
        ({"genome": '"."'}, '`genome = "."` should be a path within'),
        ({"genome": '"gone.py"'}, "the genome `gone.py` is no file in"),
        ({"fixed": '["gone.py"]'}, "`gone.py` is not in"),
        ({"fixed": '["./toy.py"]'}, "`toy.py` is both the genome and fixed"),
        ({"fixed": '["../x"]'}, '`fixed = "../x"` should be a path within'),
        ({"memory": '"f(x)"'}, '"f(x)" is no formula'),
        ({"memory": "3"}, "`memory = 3` should be a text"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, changes: dict[str, str | None], said: str) -> None:
    with pytest.raises(TaskError) as error:
        load_task(program(tmp_path, **changes))
    assert said in str(error.value)
    assert str(tmp_path / "program.md") in str(error.value)
    assert "The expected form is" in str(error.value)


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ("", "the key `axes` is missing"),
        ("axes = []", "there should be at least one table [[axes]]"),
        ("axes = [1, 2]", "axis 1 should be a table under [[axes]]"),
        (AXES.replace('"b"', '"a"'), "two axes are called `a`"),
        (AXES.replace('"b"', '"a,c"'), 'the axis `name = "a,c"` should be one word'),
        (AXES.replace('measure = "x"\n', ""), "the key `axes[1].measure` is missing"),
        (AXES + 'colour = "red"', "the key `axes[2].colour` is unknown"),
        (AXES + 'scale = "sqrt"', '`axes[2].scale = "sqrt"` should be one of log, linear'),
        (AXES + "around = [2, 1]", "`axes[2].around = [2, 1]` should be [low, high]"),
        (AXES + "around = [1, inf]", "`axes[2].around = [1, inf]` should be [low, high]"),
        (AXES + "around = [true, 2]", "`axes[2].around = [True, 2]` should be [low, high]"),
        (AXES + "around = [0, 1]", "the bounds of axes[2] should be above 0"),
        (AXES + "bounds = [0, 1]", "the bounds of axes[2] should be above 0"),
        (AXES + "bounds = [1]", "`axes[2].bounds = [1]` should be [low, high]"),
        (AXES + "bounds = 1", "`axes[2].bounds = 1` should be [low, high]"),
        ("[axes]\nname = 'a'", "should be a list of tables [[axes]]"),
        *(
            (AXES.replace('"x"', f'"{measure}"'), "the axis `a` repeats the metric")
            for measure in ("loss", "(loss) ", "loss * 1", "2 - loss / 3", "1 / loss")
        ),
        (AXES.replace('"x"', '"3"'), "the axis `a` is the same for every genome"),
    ],
)
def test_a_wrong_axis_is_named(tmp_path: Path, axes: str, said: str) -> None:
    with pytest.raises(TaskError) as error:
        load_task(program(tmp_path, axes))
    assert said in str(error.value)
    assert "The expected form is" in str(error.value)


@pytest.mark.parametrize("count", [1, 3, 6])
def test_a_task_has_as_many_axes_as_it_wants(tmp_path: Path, count: int) -> None:
    names = [f"axis-{number}" for number in range(count)]
    tables = "".join(f'[[axes]]\nname = "{name}"\nmeasure = "x"\n' for name in names)
    assert [axis.name for axis in load_task(program(tmp_path, tables)).axes] == names


@pytest.mark.parametrize("name", ["a", "Task-2", "my_task.v1", "3d"])
def test_a_name_is_a_word(tmp_path: Path, name: str) -> None:
    assert load_task(program(tmp_path, name=f'"{name}"')).name == name


@pytest.mark.parametrize(
    ("output", "whose"),
    [
        ("program.md", "the contract"),
        ("./toy.py", "the genome"),
        ("start.py", "the start"),
        ("score.py", "what `score` or `setup` names"),
        ("ready.py", "what `score` or `setup` names"),
        ("notes.md", "`notes`"),
        ("fixed.md", "what `fixed` names"),
        ("lib", "what `fixed` names"),
        ("lib/deep/new.py", "what `fixed` names"),
        ("guide/a.md", "what `shows` names"),
        ("link.md", "what `fixed` names"),
        ("folder", "a folder"),
        ("other.md/x.md", "other.md, a file"),
    ],
)
def test_the_output_overwrites_nothing_of_the_task(tmp_path: Path, output: str, whose: str) -> None:
    for name in ("lib/deep", "guide", "folder"):
        (tmp_path / name).mkdir(parents=True)
    names = ("start.py", "score.py", "ready.py", "notes.md", "fixed.md", "other.md")
    for name in names:
        (tmp_path / name).write_text("x")
    (tmp_path / "link.md").symlink_to("fixed.md")
    keys: dict[str, str | None] = {
        "run": None,
        "start": '"start.py"',
        "score": '["python", "-c", "score.py", "./score.py"]',
        "setup": '["sh", "ready.py"]',
        "notes": '"notes.md"',
        "fixed": '["fixed.md", "lib"]',
        "shows": '["guide"]',
    }
    folder = program(tmp_path, output=f'"{output}"', **keys)
    with pytest.raises(TaskError) as error:
        load_task(folder)
    assert f"`output` may not be `{PurePosixPath(output)}`: " in str(error.value)
    assert whose in str(error.value)
    fine = load_task(program(tmp_path, output='"out/new.md"', **keys))
    assert fine.output == "out/new.md"


def test_the_output_of_no_item_overwrites_anything(tmp_path: Path) -> None:
    (tmp_path / "topics.md").write_text("## Sun\n")
    task = load_task(program(tmp_path, items='"topics.md"', output='"{item}.md"'))
    check_output(task.for_item(Item("sun", "Sun", "")))
    with pytest.raises(ValueError, match=r"may not be `topics\.md`: it would overwrite `items`"):
        check_output(task.for_item(Item("topics", "Topics", "")))


def test_the_contract_of_a_run_is_taken_as_it_was(tmp_path: Path) -> None:
    folder = program(tmp_path)
    copy = tmp_path / "copy.md"
    copy.write_text((folder / "program.md").read_text().replace('"toy"', '"my toy"'))
    assert load_task(folder, copy).name == "my toy"


def test_the_files_that_trusted_commands_name_are_known(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    for name in ("src/score.py", "ready.py"):
        (tmp_path / name).write_text("")
    task = load_task(
        program(
            tmp_path,
            run=None,
            score='["python", "./src/score.py", "toy.py", "src", "/etc/passwd", "-x", "\\u0000"]',
            setup=f'["ready.py", "src/score.py", "../x", "{"long " * 2000}"]',
        )
    )
    assert task.scripts == ("src/score.py", "ready.py")


def test_notes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_bytes(b"\xff")
    with pytest.raises(TaskError, match=r"notes\.md, which `notes` names, cannot be read"):
        load_task(program(tmp_path, notes='"notes.md"'))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1 is not one"),
        ("# A task\n+++\n+++\n", "line 1 is not one"),
        ('+++\nname = "x"\n', "there is no second one"),
        ('+++\nname = "x"\nrun = [\n+++\n', "(at line 4)"),
        ("+++\nname = x\n+++\n", "at line 2,"),
        ('+++\nname = "a"\nname = "b"\n+++\n', "at line 3,"),
    ],
)
def test_a_malformed_head_is_shown_where(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "program.md").write_text(text)
    with pytest.raises(TaskError, match="expected form") as error:
        load_task(tmp_path)
    assert said in str(error.value)


@pytest.mark.parametrize("data", [None, b"\xff\xfe\x00"])
def test_an_unreadable_file_says_how_to_name_another(tmp_path: Path, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / "program.md").write_bytes(data)
    with pytest.raises(TaskError, match="--task names a folder"):
        load_task(tmp_path)


@given(st.text())
def test_any_text_is_a_task_or_a_task_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("task")
    (folder / "program.md").write_text(f"+++\n{text}\n+++\n", encoding="utf-8", errors="replace")
    with pytest.raises(TaskError):
        load_task(folder)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "a.b",
        "f(x)",
        "1 if x else 2",
        "[x]",
        "x[0]",
        "x, y",
        "lambda: 1",
        "(x := 1)",
        "'a' * 3",
        "f'{x}'",
        "x and y",
        "x < y",
        "x // y",
        "x % y",
        "x @ y",
        "x << 3",
        "~x",
        "not x",
        "1j",
        "True",
        "None",
        "...",
        "x = 1",
        "x\ny",
        "",
        "\0",
        "-" * 5000 + "x",
        "(" * 5000 + "x" + ")" * 5000,
        "9" * 5000,
        "+".join("x" * 5000),
    ],
)
def test_nothing_but_arithmetic_is_a_formula(text: str) -> None:
    with pytest.raises(ValueError, match="no formula of reported numbers"):
        Formula.parse(text)


@pytest.mark.parametrize(
    "text", ["9**9**9", "9**9**9**9", "1 / 0", "0 ** -1", "(-1) ** 0.5", "1e999", "1e999 - 1e999"]
)
def test_a_formula_without_a_finite_value_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"\*\*|/|1e999"):
        Formula.parse(text)({})


def test_a_formula_says_which_number_is_missing() -> None:
    with pytest.raises(KeyError, match="tokens"):
        Formula.parse("tokens / seconds")({"seconds": 1.0})


@given(
    st.recursive(
        st.one_of(st.sampled_from(["x", "y"]), st.floats(0, 1e6).map(repr), st.just("2")),
        lambda part: st.builds("({} {} {})".format, part, st.sampled_from("+-*/"), part),
        max_leaves=6,
    )
)
def test_a_formula_computes_what_python_does(text: str) -> None:
    names = {"x": 3.5, "y": -2.0}
    try:
        expected = eval(text, {"__builtins__": {}}, names)
    except ZeroDivisionError:
        expected = math.nan
    formula = Formula.parse(text)
    if math.isfinite(expected):
        assert formula(names) == pytest.approx(expected)
    else:
        with pytest.raises(ValueError, match=r"is|no value"):
            formula(names)


@given(st.text(alphabet=string.ascii_letters[:4] + "0123.+-*/() _[],'\"=:", max_size=30))
def test_any_text_is_a_formula_or_a_value_error(text: str) -> None:
    try:
        formula = Formula.parse(text)
    except ValueError:
        return
    try:
        assert math.isfinite(formula({"a": 1.0, "b": 2.0}))
    except (KeyError, ValueError):
        return
