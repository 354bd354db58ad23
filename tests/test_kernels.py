"""What stands in for a flash-attention kernel, and a script that fetches one when it starts."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import kernels

ROOT = Path(__file__).parents[1]


def attend(q, k, v, causal, window):
    """By the definition, a query and a head at a time."""
    out = torch.empty_like(q)
    left, right = window[0], 0 if causal else window[1]
    for b in range(q.shape[0]):
        for h in range(q.shape[2]):
            group = h // (q.shape[2] // k.shape[2])
            for i in range(q.shape[1]):
                at = i + k.shape[1] - q.shape[1]
                first = 0 if left < 0 else max(at - left, 0)
                last = k.shape[1] if right < 0 else min(at + right + 1, k.shape[1])
                scores = k[b, first:last, group] @ q[b, i, h] / math.sqrt(q.shape[3])
                out[b, i, h] = scores.softmax(0) @ v[b, first:last, group]
    return out


@pytest.mark.parametrize("groups", [4, 2, 1])
@pytest.mark.parametrize(
    ("causal", "window"),
    [
        *(
            (True, window)
            for window in ((-1, -1), (3, 0), (0, 0), (8, 0), (9, 0), (10, 0), (99, 0))
        ),
        *((False, window) for window in ((-1, -1), (2, 1), (0, -1), (-1, 0))),
    ],
)
def test_the_stand_in_computes_attention_with_a_window(groups, causal, window):
    generator = torch.Generator().manual_seed(1)
    q = torch.randn(2, 10, 4, 8, generator=generator, requires_grad=True)
    k, v = (torch.randn(2, 10, groups, 8, generator=generator) for _ in range(2))
    y = kernels.flash_attn_func(q, k, v, causal=causal, window_size=window)
    assert y.shape == q.shape
    torch.testing.assert_close(y, attend(q, k, v, causal, window), atol=1e-5, rtol=1e-5)
    y.sum().backward()
    assert q.grad is not None


def test_fewer_queries_than_keys_stand_at_the_end():
    generator = torch.Generator().manual_seed(2)
    q = torch.randn(1, 3, 2, 8, generator=generator)
    k, v = (torch.randn(1, 7, 2, 8, generator=generator) for _ in range(2))
    y = kernels.flash_attn_func(q, k, v, causal=True)
    torch.testing.assert_close(y, attend(q, k, v, True, (-1, -1)), atol=1e-5, rtol=1e-5)


def run(code, *paths):
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)


FETCH = "import kernels; print(kernels.get_kernel({!r}{}).flash_attn_interface.flash_attn_func)"


def test_it_says_that_it_stands_in():
    code = FETCH.format("kernels-community/flash-attn3", ", trust_remote_code=True")
    done = run(code, ROOT)
    assert done.returncode == 0, done.stderr
    note, function = done.stdout.splitlines()
    assert "NOTE: PyTorch's own attention stands in for kernels-community/flash-attn3: " in note
    assert "flash_attn_func" in function


def package(folder, text):
    (folder / "kernels").mkdir()
    (folder / "kernels" / "_fetch.py").write_text(text)
    (folder / "kernels" / "__init__.py").write_text("from kernels._fetch import get_kernel\n")
    return folder


def test_the_package_is_used_where_it_has_the_kernel(tmp_path):
    text = (
        "class interface:\n    flash_attn_func = 'the real one'\n"
        "class kernel:\n    flash_attn_interface = interface\n"
        "def get_kernel(repo, revision): return kernel\n"
    )
    done = run(FETCH.format("varunneal/flash-attention-3", ""), ROOT, package(tmp_path, text))
    assert (done.stdout, done.stderr) == ("the real one\n", "")


def test_another_kernel_is_not_stood_in_for(tmp_path):
    text = "def get_kernel(repo, revision): raise OSError('no network')\n"
    folder = package(tmp_path, text)
    failed = run(FETCH.format("someone/activation", ""), ROOT, folder)
    assert failed.stderr.splitlines()[-1] == "OSError: no network"
    flash = run(FETCH.format("varunneal/flash-attention-3", ""), ROOT, folder)
    assert "stands in for varunneal/flash-attention-3: no network" in flash.stdout


INSTALL = """
import os, sys
def get_kernel(repo, revision): ...
def install_kernel(name, *, revision, trust_remote_code, local_files_only=False):
    if local_files_only:
        raise FileNotFoundError(name)
    if "HERE" in os.environ:
        raise OSError("no network")
    print(name, revision, os.environ["KERNELS_CACHE"])
"""
FETCH_IT = "from corpus.flash_attention import fetch_kernel; print(fetch_kernel({}))"


def test_the_setup_fetches_the_kernel_of_the_gpu(tmp_path, monkeypatch):
    folder = package(tmp_path, INSTALL)
    (folder / "kernels" / "__init__.py").write_text("from kernels._fetch import install_kernel\n")
    monkeypatch.setenv("PREPARE_DATA", str(tmp_path / "data"))
    for capability, name in (((9, 0), "varunneal/flash"), ((8, 6), "kernels-community/flash")):
        done = run(FETCH_IT.format(capability), ROOT, folder)
        assert done.returncode == 0, done.stderr
        assert f"fetching the kernel {name}" in done.stdout
        assert f" main {tmp_path}/data-kernels\n" in done.stdout
        assert f"'readable.0': '{tmp_path}/data-kernels'" in done.stdout
    monkeypatch.setenv("HERE", "1")
    done = run(FETCH_IT.format((9, 0)), ROOT, folder)
    assert "PyTorch's attention stands in: no network\n{}\n" in done.stdout


def test_without_a_gpu_or_the_package_nothing_is_fetched():
    assert run(FETCH_IT.format("(9, 0)"), ROOT).stdout == "{}\n"
    if not torch.cuda.is_available():
        assert run(FETCH_IT.format(""), ROOT).stdout == "{}\n"
