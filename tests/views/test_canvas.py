"""How pictures are written: whole, in their format, and without what plots on screens."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from views import save_figure
from views.canvas import draw_nothing, new_figure, write_plainly


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_save_writes_a_whole_readable_picture(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "artifacts" / f"heatmap.{ending}"
    figure = draw_nothing("night")
    save_figure(figure, path)
    save_figure(figure, path)
    assert path.read_bytes()[:4] == {"png": b"\x89PNG", "svg": b"<?xm", "pdf": b"%PDF"}[ending]
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & stat.S_IRUSR


def test_what_models_write_is_written_as_it_is() -> None:
    figure, axes = new_figure("", (12, 3))
    text = write_plainly("$\\nothing$ costs $5\n\ud800\u202e" + 99 * " so", 60)
    drawn = axes.text(0, 0, text)
    figure.draw_without_rendering()  # type: ignore[no-untyped-call]
    assert "⟨U+D800⟩⟨U+202E⟩" in drawn.get_text()
    assert text.endswith("…")


@pytest.mark.parametrize("width", [6.0, 9.3, 14.0])
def test_a_heading_with_a_long_name_stays_within_the_figure(width: float) -> None:
    heading = (
        "pretraining-20261201-054238: the best val_bpb found for each model size and throughput"
    )
    figure, axes = new_figure(heading, (width, 6))
    figure.draw_without_rendering()  # type: ignore[no-untyped-call]
    (title,) = (text for text in axes.findobj(Text) if " ".join(text.get_text().split()) == heading)
    box = title.get_window_extent()
    assert box.x1 <= figure.bbox.x1
    assert box.y1 <= figure.bbox.y1
    assert axes.get_title(loc="left").replace("\n", " ") == heading


def test_a_failed_save_leaves_the_old_picture(tmp_path: Path) -> None:
    class HalfWritten(Figure):
        def savefig(self, fname: str | Path, **options: object) -> None:  # type: ignore[override]
            Path(fname).write_bytes(b"half")
            raise OSError("no space left on device")

    path = tmp_path / "heatmap.png"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match=r"heatmap\.png cannot be written: no space left on device"):
        save_figure(HalfWritten(), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["map.foo", "map", "map.jpeg2"])
def test_a_format_that_cannot_be_written_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=rf"ends in \.png, \.svg or \.pdf, not as {name} does"):
        save_figure(Figure(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_pictures_use_no_global_figures_and_the_grid_no_plotting() -> None:
    code = (
        "import sys, archive, population.formatting; assert 'pandas' not in sys.modules;"
        "import views; assert 'matplotlib' not in sys.modules; views.draw_heatmap;"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
