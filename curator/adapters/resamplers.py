"""Which resampler a machine can best use.

The law: where there is no CUDA driver PyTorch is not imported, which takes seconds and hundreds of megabytes.
"""

from __future__ import annotations

import ctypes
import importlib
from typing import cast

from curator.imaging.resample import CpuResampler
from curator.ports.faces import Resampler

# The driver's library on Linux and Windows; whoever has it has a GPU, or had one.
_DRIVERS = ("libcuda.so.1", "nvcuda.dll")
_TORCH = "curator.adapters.torch_resampler"


def best_resampler() -> Resampler:
    """The GPU's resampler where CUDA works, else the CPU's."""
    if not has_driver():
        return CpuResampler()
    # Imported here and by name: most machines have no GPU, and must not pay for it.
    torch, adapter = importlib.import_module("torch"), importlib.import_module(_TORCH)
    if not torch.cuda.is_available():
        return CpuResampler()
    return cast(Resampler, adapter.TorchResampler("cuda"))


def has_driver() -> bool:
    """Whether a CUDA driver can be loaded and knows a device."""
    for name in _DRIVERS:
        try:
            driver = ctypes.CDLL(name)
        except OSError:
            continue
        count = ctypes.c_int(0)
        if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0:
            return True
    return False
