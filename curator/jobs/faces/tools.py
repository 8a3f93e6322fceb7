"""What looks for faces, put together: the one place where detectors and resamplers meet the stage that uses them.

The law: the same tools in every worker, so that what is decided does not depend on how many there are.
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from pathlib import Path
from typing import cast

from curator.adapters.dlib_heads import DlibHeads
from curator.adapters.rigid_registration import SimpleItkRegistrar
from curator.deid.faces.tools import FaceTools
from curator.imaging.resample import CpuResampler
from curator.policy.faces.defacing import load_face_rules
from curator.ports.faces import Resampler

_GPU = Path("/dev/nvidiactl")


@lru_cache(maxsize=1)
def face_tools(rules: Path) -> FaceTools:
    """The tools by the rules under `rules`/faces; made once a process.

    Raises:
        ConfigurationError: a rule file is missing or malformed, or a network is not installed.
    """
    return FaceTools(
        rules=load_face_rules(rules), judge=DlibHeads(), resampler=_resampler(), registrar=SimpleItkRegistrar()
    )


def _resampler() -> Resampler:
    """The GPU's where there is one; PyTorch, which takes seconds to load, is not asked where there is none."""
    if _GPU.exists():
        found = importlib.import_module("curator.adapters.torch_resampler")
        if found.torch.cuda.is_available():
            return cast("Resampler", found.TorchResampler())
    return CpuResampler()


def face_digest(rules: Path) -> str:
    """What decides about faces, in one line: the rules' digest, and what looks and turns.

    Raises:
        ConfigurationError: as `face_tools`.
    """
    return f"{face_tools(rules).rules.digest} {seen_by(face_tools(rules))}"


def seen_by(tools: FaceTools) -> str:
    """Who looks, turns and lays over."""
    registrar = "" if tools.registrar is None else f"; {tools.registrar.name}"
    return f"{tools.judge.name}; {tools.resampler.name}{registrar}"
