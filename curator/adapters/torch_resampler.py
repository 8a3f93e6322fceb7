"""Linear interpolation of volumes with PyTorch, for where there is a GPU.

The law: the same places give the same values as `CpuResampler` does, to the precision of float32.

Sources: PyTorch `grid_sample`, whose corners are aligned here: -1 and 1 are the centres of the outermost voxels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import grid_sample

from curator.model.volume import Affine
from curator.ports.faces import Field, Turnable

# Slices of the new box at once: places take twelve bytes a voxel.
_VOXELS_AT_ONCE = 1 << 22


@dataclass(frozen=True, slots=True)
class TorchResampler:
    """Interpolates on a device such as `cuda` or `cpu`; volumes go there and come back with every call."""

    device: str = "cuda"

    @property
    def name(self) -> str:
        """Which implementation, and on what it runs."""
        return f"torch {torch.__version__} {self.device}"

    def onto(
        self, values: NDArray[np.generic], indices: Affine, shape: tuple[int, int, int], *, outside: float
    ) -> Field:
        """As `Resampler.onto`; places outside of the outermost voxels' centres are outside."""
        # What lies around counts as 0 to `grid_sample`, so that is what is taken off.
        volume = self._sent(values, outside)
        slices = max(1, _VOXELS_AT_ONCE // max(1, shape[1] * shape[2]))
        taken = np.empty(shape, np.float32)
        for start in range(0, shape[0], slices):
            stop = min(start + slices, shape[0])
            places, is_inside = self._places(indices, range(start, stop), shape, values.shape)
            part = grid_sample(volume, places[None], mode="bilinear", padding_mode="border", align_corners=True)[0, 0]
            taken[start:stop] = (torch.where(is_inside, part, 0.0) + outside).cpu().numpy()
        return taken

    def turned(
        self, values: NDArray[Turnable], *, yaw_deg: float, pitch_deg: float, outside: float
    ) -> NDArray[Turnable]:
        """As `Resampler.turned`."""
        if yaw_deg:
            values = self._in_planes(values, yaw_deg, outside)
        if pitch_deg:
            side = self._in_planes(np.ascontiguousarray(values.transpose(2, 0, 1)), pitch_deg, outside)
            values = np.ascontiguousarray(side.transpose(1, 2, 0))
        return values

    def _in_planes(self, values: NDArray[Turnable], angle_deg: float, outside: float) -> NDArray[Turnable]:
        """Every plane of the last two axes turned about its centre; at the edge it fades into what is outside."""
        rows, columns = values.shape[1:]
        angle = np.deg2rad(angle_deg)
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
        y, x = y - np.float32((rows - 1) / 2), x - np.float32((columns - 1) / 2)
        # Where each new pixel lay before: the turn taken back.
        from_x = np.float32(np.cos(angle)) * x - np.float32(np.sin(angle)) * y
        from_y = np.float32(np.sin(angle)) * x + np.float32(np.cos(angle)) * y
        shares = np.stack(
            [from_x * np.float32(2 / max(columns - 1, 1)), from_y * np.float32(2 / max(rows - 1, 1))], axis=-1
        )
        planes = self._sent(values, outside)[0]
        grid = torch.from_numpy(shares).to(self.device)[None]
        turned = grid_sample(planes, grid, mode="bilinear", padding_mode="zeros", align_corners=True)
        taken = (turned[0] + outside).cpu().numpy()
        return np.asarray(np.rint(taken) if values.dtype.kind == "u" else taken, values.dtype)

    def _sent(self, values: NDArray[np.generic], outside: float) -> torch.Tensor:
        """The volume less what is outside as `(1, 1, Z, Y, X)` float32 on the device."""
        native = np.ascontiguousarray(values, np.float32)
        return (torch.from_numpy(native).to(self.device) - outside)[None, None]

    def _places(
        self, indices: Affine, slices: range, shape: tuple[int, int, int], source: tuple[int, ...]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Where some slices of the new box lie in the old one, -1 to 1 `(z, Y, X, 3)`, and which do, `(z, Y, X)`."""
        z, y, x = (
            torch.arange(start, stop, device=self.device, dtype=torch.float64)
            for start, stop in ((slices.start, slices.stop), (0, shape[1]), (0, shape[2]))
        )
        shares, is_inside = [], torch.ones((len(slices), shape[1], shape[2]), dtype=torch.bool, device=self.device)
        for row, length in zip(indices[:3], source[::-1], strict=True):
            place = (
                float(row[0]) * x[None, None, :] + float(row[1]) * y[None, :, None] + float(row[2]) * z[:, None, None]
            )
            place = place + float(row[3])
            is_inside &= (place >= 0) & (place <= length - 1)
            shares.append((2 * place / max(length - 1, 1) - 1).to(torch.float32))
        return torch.stack(shares, dim=-1), is_inside
