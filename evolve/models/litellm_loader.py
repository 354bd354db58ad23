"""The import of litellm, which takes seconds, at its first use and not before."""

from __future__ import annotations

import logging
import os
import warnings
from typing import Any


def load_litellm() -> Any:
    """Import litellm, without its network access and its messages to developers."""
    # without this litellm fetches its price table over the network when it is imported
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm  # three seconds and 160 MB

    # the odd form of what a server sends is no news to the user
    warnings.filterwarnings("ignore", category=UserWarning, module="pydantic")
    logging.getLogger("LiteLLM").setLevel(logging.ERROR)
    litellm.suppress_debug_info = True
    return litellm
