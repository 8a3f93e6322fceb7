"""Networks by name, built to a plan. Input `(N, 1, Z, Y, X)`, output `(N, classes, Z, Y, X)` logits."""

from __future__ import annotations

from collections.abc import Callable

from monai.networks.nets.unet import UNet
from torch import nn

from curator.errors import ConfigurationError
from trainers.plan import Plan


def build_network(plan: Plan) -> nn.Module:
    """A fresh network for the plan; its weights come from torch's global generator.

    Raises:
        ConfigurationError: no network goes by the plan's name.
    """
    if plan.network not in _BUILDERS:
        raise ConfigurationError(f"[train] network {plan.network!r} is not known; it knows {', '.join(_BUILDERS)}")
    return _BUILDERS[plan.network](plan)


def _unet(plan: Plan) -> nn.Module:
    return UNet(
        spatial_dims=3,
        in_channels=1,
        out_channels=len(plan.labels) + 1,
        channels=plan.channels,
        strides=plan.strides,  # type: ignore[arg-type]  # takes one stride per axis as well, which its hint leaves out
        num_res_units=0,
        act="LEAKYRELU",
        norm="INSTANCE",
    )


_BUILDERS: dict[str, Callable[[Plan], nn.Module]] = {"unet": _unet}
