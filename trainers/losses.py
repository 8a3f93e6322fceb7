"""What a fit minimises."""

from __future__ import annotations

from monai.losses.dice import DiceCELoss
from torch import nn


def dice_cross_entropy() -> nn.Module:
    """Soft Dice over the foreground classes of the whole batch plus cross-entropy over all classes.

    Takes logits `(N, C, Z, Y, X)` and class indices `(N, 1, Z, Y, X)`; gives one number. Dice over the batch and not
    the sample keeps a class that most patches miss from pulling towards empty predictions.
    """
    return DiceCELoss(include_background=False, to_onehot_y=True, softmax=True, batch=True)
