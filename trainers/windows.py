"""A network over a whole volume, window by window."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
from monai.inferers.utils import sliding_window_inference
from torch import Tensor, nn

from trainers.plan import Plan


def mixed_precision(device: torch.device, *, amp: bool) -> AbstractContextManager[object]:
    """bfloat16 on a GPU where `amp`; full precision else."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=amp and device.type == "cuda")


@torch.inference_mode()
def window_logits(network: nn.Module, image: Tensor, plan: Plan, *, overlap: float, amp: bool = False) -> Tensor:
    """Logits `(C, Z, Y, X)` float32 for `image` `(1, Z, Y, X)`; windows overlap by `overlap` of a patch, 0 to below 1.

    An image smaller than a patch is padded for the network and cropped again.
    """
    network.eval()
    with mixed_precision(image.device, amp=amp):
        logits = sliding_window_inference(
            image[None],
            roi_size=plan.patch_size,
            sw_batch_size=plan.batch_size,
            predictor=network,
            overlap=overlap,
            mode="gaussian",
            padding_mode="replicate",
        )
    if not isinstance(logits, Tensor):
        raise TypeError("a network must give one tensor")
    return logits[0].float()
