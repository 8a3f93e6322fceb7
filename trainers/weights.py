"""Weights and checkpoints on disk, and the device they go to.

The law: no code in a file is ever run on reading; the same state gives the same bytes.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from curator.errors import IntegrityError, UsageError
from trainers.files import write_bytes
from trainers.nets import build_network
from trainers.plan import Plan
from trainers.runs import MODEL_NAME


def resolve_device(name: str) -> torch.device:
    """The device called `name`; for `auto` a GPU where there is one.

    Raises:
        UsageError: a GPU was asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("[train] device is cuda and this machine offers none; set it to auto or cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def write_state(path: Path, state: Mapping[str, object]) -> None:
    """Tensors and plain values to one file, in one step; the same state gives the same bytes.

    Raises:
        ItemError: OUTPUT_UNWRITABLE or DISK_FULL.
    """
    buffer = io.BytesIO()
    torch.save(_plain(state), buffer)
    write_bytes(path, buffer.getvalue())


def read_state(path: Path, device: torch.device) -> dict[str, Any]:
    """What `write_state` wrote, tensors on `device`; no code of the file is run.

    Raises:
        UsageError: it is not there.
        IntegrityError: it is not such a file.
    """
    if not path.is_file():
        raise UsageError(f"the run has no {path.name} yet; fit it first")
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
        raise IntegrityError(f"{path.name} cannot be read; resume from another copy or fit again") from error
    if not isinstance(state, dict):
        raise IntegrityError(f"{path.name} does not hold a state")
    return state


def write_model(run: Path, plan: Plan, network: nn.Module) -> None:
    """The weights with the plan they follow."""
    weights = {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
    write_state(run / MODEL_NAME, {"plan": plan.to_json(), "weights": weights})


def load_model(run: Path, device: torch.device) -> tuple[Plan, nn.Module]:
    """The best network of `run` in evaluation mode on `device`, and its plan.

    Raises:
        UsageError: the run has no model yet.
        IntegrityError: the file is not a model of its plan.
    """
    state = read_state(run / MODEL_NAME, device)
    try:
        plan = Plan.from_json(state["plan"])
        network = build_network(plan)
        network.load_state_dict(state["weights"])
    except (KeyError, RuntimeError) as error:
        raise IntegrityError(f"{MODEL_NAME} does not fit its own plan; fit it again") from error
    return plan, network.to(device).eval()


def _plain(value: object) -> object:
    """`value` in fresh containers: a pickle shows which equal strings were one object, and that is chance."""
    if isinstance(value, Mapping):
        return {_plain(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    return sys.intern(value) if isinstance(value, str) else value
