"""Fetches the flash-attention kernel that scripts for karpathy/autoresearch load, for the sandbox.

A child has no network, so the kernel is fetched when the data are made ready, and is not loaded: it
is foreign code, which runs in the sandbox alone. It lies beside the data folder, which is masked.
"""

from __future__ import annotations

import os

import torch

from prepare import DATA_DIR

FOLDER = DATA_DIR.with_name(f"{DATA_DIR.name}-kernels")
HOPPER = (9, 0)  # compute capability; autoresearch's train.py asks for these two kernels
HOPPER_KERNEL, KERNEL = "varunneal/flash-attention-3", "kernels-community/flash-attn3"


def fetch_kernel(capability: tuple[int, int] | None = None) -> dict[str, str]:
    """Fetch the kernel that suits this machine's GPU, unless it is there already.

    Args:
        capability: Compute capability of the GPU; None asks torch.

    Returns:
        What the trainer is to know of it, by the names that a setup reports; empty without a GPU,
        without the package `kernels`, or where the kernel cannot be had, which is said.
    """
    if capability is None and not torch.cuda.is_available():
        return {}
    name = HOPPER_KERNEL if (capability or torch.cuda.get_device_capability()) == HOPPER else KERNEL
    os.environ["KERNELS_CACHE"] = str(FOLDER)  # read when the package is imported
    try:
        import kernels  # ours, in front of the package; a copy of prepare.py may lie without it

        package = kernels.load_package() if hasattr(kernels, "load_package") else kernels
        install = package.install_kernel
        try:
            install(name, revision="main", local_files_only=True, trust_remote_code=True)
        except Exception:
            print(f"fetching the kernel {name}", flush=True)
            install(name, revision="main", trust_remote_code=True)
    except ModuleNotFoundError:
        return {}  # an extra, which few scripts need
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        print(f"NOTICE: the kernel {name} cannot be had, PyTorch's attention stands in: {reason}")
        return {}
    return {"env.KERNELS_CACHE": str(FOLDER), "env.HF_HUB_OFFLINE": "1", "readable.0": str(FOLDER)}
