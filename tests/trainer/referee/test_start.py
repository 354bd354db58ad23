"""What a start takes on this machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
MEASURE = "from trainer.referee.start import measure_start; print(measure_start())"


def test_a_start_imports_torch_wherever_the_user_is(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("print('of the user')\nraise SystemExit(1)\n")
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {MEASURE}"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 0.1, "it does more than begin"
