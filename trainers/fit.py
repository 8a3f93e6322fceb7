"""Fits a network to a frozen dataset.

The law: on a CPU the same dataset, configuration, versions and thread count give the same weights to the bit, and a run
that was interrupted anywhere and called again ends with the same files as an unbroken one. Step `k` draws from a
generator of its own, the learning rate is a function of `k`, and everything else is in the checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from curator.errors import IntegrityError, UsageError
from curator.model.manifest import Split
from trainers.augment import apply_change, draw_change
from trainers.config import TrainConfig
from trainers.data import Case, PatchSampler, load_cases, step_generator
from trainers.dataset import FrozenDataset, read_dataset
from trainers.files import append_line, cut_file
from trainers.losses import dice_cross_entropy
from trainers.nets import build_network
from trainers.plan import Plan, plan_for
from trainers.runs import (
    CHECKPOINT_NAME,
    METRICS_NAME,
    FitResult,
    begin_run,
    finish_run,
    finished_result,
    is_run_of,
    run_config,
    run_dataset_folder,
    run_plan,
)
from trainers.weights import read_state, resolve_device, write_model, write_state
from trainers.windows import mixed_precision, window_logits

Progress = Callable[[int, int], None]
"""Told (steps done, steps in all) after each step."""

POLY_EXPONENT = 0.9
SGD_MOMENTUM = 0.99
GRADIENT_NORM = 12.0
VALIDATION_OVERLAP = 0.25


def fit(dataset: Path, run: Path, config: TrainConfig, *, progress: Progress | None = None) -> FitResult:
    """Train on the train split and keep in `run` the weights with the best mean Dice on the validation split.

    Called again on a run of the same dataset and configuration it goes on from the last checkpoint, or gives the result
    where the run is complete.

    Raises:
        UsageError: no dataset, nothing annotated in its train split, `run` holds another run, or the loss diverged.
        IntegrityError: the dataset is not as its manifest says, or the checkpoint is damaged.
        ItemError: ANNOTATION_INVALID for an undeclared label; OUTPUT_UNWRITABLE or DISK_FULL for `run`.
    """
    source = read_dataset(dataset)
    device = resolve_device(config.device)
    if not is_run_of(run, source, config):
        begin_run(run, source, config, plan_for(source, config))
    done = finished_result(run)
    if done is not None:
        return done
    with _reproducible(config.seed, device):
        result = _train(source, run, config, run_plan(run), device=device, progress=progress)
    finish_run(run, source, result)
    return result


def resume(run: Path, dataset: Path | None = None, *, progress: Progress | None = None) -> FitResult:
    """Go on with `run` to the end of its budget; `dataset` says where its dataset lies now, if it was moved.

    Raises:
        UsageError: there is no run in `run`, or `dataset` is another dataset.
        Others as `fit` does.
    """
    config = run_config(run)
    return fit(dataset or run_dataset_folder(run), run, config, progress=progress)


@dataclass(slots=True, kw_only=True)
class _State:
    """What changes while a run goes on; all of it is in the checkpoint."""

    network: nn.Module = field(repr=False)
    optimizer: torch.optim.Optimizer = field(repr=False)
    step: int = 0
    best_step: int = 0
    best_dice: float | None = None
    metrics_bytes: int = 0
    loss_sum: float = 0.0

    def save(self, run: Path) -> None:
        """Replace the checkpoint."""
        write_state(
            run / CHECKPOINT_NAME,
            {
                "step": self.step,
                "best_step": self.best_step,
                "best_dice": self.best_dice,
                "metrics_bytes": self.metrics_bytes,
                "network": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "torch_random": torch.get_rng_state(),
            },
        )

    def load(self, run: Path, device: torch.device) -> None:
        """Take over the checkpoint of `run`; nothing happens where there is none."""
        if not (run / CHECKPOINT_NAME).is_file():
            return
        saved = read_state(run / CHECKPOINT_NAME, device)
        try:
            self.network.load_state_dict(saved["network"])
            self.optimizer.load_state_dict(saved["optimizer"])
            torch.set_rng_state(saved["torch_random"].cpu())
            self.step, self.metrics_bytes = saved["step"], saved["metrics_bytes"]
            self.best_step, self.best_dice = saved["best_step"], saved["best_dice"]
        except (KeyError, RuntimeError, ValueError) as error:
            raise IntegrityError(f"{CHECKPOINT_NAME} does not fit the plan of its run; fit it again") from error


def _train(
    source: FrozenDataset,
    run: Path,
    config: TrainConfig,
    plan: Plan,
    *,
    device: torch.device,
    progress: Progress | None,
) -> FitResult:
    cases = load_cases(source, source.members(Split.TRAIN, annotated=True), plan, device=device)
    unseen = load_cases(source, source.members(Split.VALIDATION, annotated=True), plan, device=device)
    sampler = PatchSampler(
        cases=cases,
        patch_size=plan.patch_size,
        batch_size=plan.batch_size,
        foreground_fraction=config.foreground_fraction,
    )
    network = build_network(plan).to(device)
    state = _State(network=network, optimizer=_optimizer(network, config))
    state.load(run, device)
    began_at = state.step
    # Lines behind the checkpoint are of the run that died there; this one writes them again.
    cut_file(run / METRICS_NAME, state.metrics_bytes)
    loss = dice_cross_entropy()
    while state.step < config.steps:
        _step(state, sampler, loss, config, plan)
        if state.step % config.validate_every_steps == 0 or state.step == config.steps:
            _validate(state, unseen, run, config, plan)
        if progress is not None:
            progress(state.step, config.steps)
    return FitResult(
        run=run,
        steps=state.step,
        best_step=state.best_step,
        dice_validation=state.best_dice,
        resumed_at_step=began_at,
    )


def _step(state: _State, sampler: PatchSampler, loss: nn.Module, config: TrainConfig, plan: Plan) -> None:
    generator = step_generator(config.seed, state.step)
    image, classes = sampler.draw(generator)
    image, classes = apply_change(image, classes, draw_change(len(image), plan.flip_axes, generator))
    for group in state.optimizer.param_groups:
        group["lr"] = _learning_rate(config, state.step)
    state.network.train()
    with mixed_precision(image.device, amp=config.amp):
        logits = state.network(image)
    value: Tensor = loss(logits.float(), classes)
    if not torch.isfinite(value):
        raise UsageError(f"the loss is not a number at step {state.step}; lower [train] learning_rate")
    state.optimizer.zero_grad(set_to_none=True)
    value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    nn.utils.clip_grad_norm_(state.network.parameters(), GRADIENT_NORM)
    state.optimizer.step()
    state.loss_sum += float(value.detach())
    state.step += 1


def _validate(state: _State, unseen: Sequence[Case], run: Path, config: TrainConfig, plan: Plan) -> None:
    """Score, keep the weights if they are the best, and make this the point to resume from."""
    by_label = validation_dice(state.network, unseen, plan, amp=config.amp)
    dice = sum(by_label.values()) / len(by_label) if by_label else None
    if dice is None or state.best_dice is None or dice > state.best_dice:
        state.best_dice, state.best_step = dice, state.step
        write_model(run, plan, state.network)
    since = (state.step - 1) % config.validate_every_steps + 1
    line = {
        "step": state.step,
        "learning_rate": _learning_rate(config, state.step - 1),
        "loss_train": state.loss_sum / since,
        "dice_validation": dice,
        "dice_validation_by_label": by_label,
    }
    state.loss_sum = 0.0
    state.metrics_bytes += append_line(run / METRICS_NAME, line)
    state.save(run)


def validation_dice(network: nn.Module, cases: Sequence[Case], plan: Plan, *, amp: bool) -> dict[str, float]:
    """Mean Dice over `cases` on the plan's grid by label name, in [0, 1]; empty where there is no case."""
    if not cases:
        return {}
    sums = dict.fromkeys((label.name for label in plan.labels), 0.0)
    for case in cases:
        predicted = window_logits(network, case.image, plan, overlap=VALIDATION_OVERLAP, amp=amp).argmax(dim=0)
        for index, label in enumerate(plan.labels, start=1):
            ours, theirs = predicted == index, case.classes == index
            total = int(ours.sum()) + int(theirs.sum())
            sums[label.name] += 2 * int((ours & theirs).sum()) / total if total else 1.0
    return {name: value / len(cases) for name, value in sums.items()}


def _learning_rate(config: TrainConfig, step: int) -> float:
    return config.learning_rate * float((1 - step / config.steps) ** POLY_EXPONENT)


def _optimizer(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            network.parameters(),
            lr=config.learning_rate,
            momentum=SGD_MOMENTUM,
            nesterov=True,
            weight_decay=config.weight_decay,
        )
    return torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)


@contextmanager
def _reproducible(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch and hold it to deterministic kernels, as far as the device has them; what was set is set again."""
    before = torch.are_deterministic_algorithms_enabled()
    # On a GPU some of the network's own gradients have no deterministic kernel, and torch would refuse them.
    torch.use_deterministic_algorithms(device.type == "cpu")
    with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if device.type == "cuda" else []):
        torch.manual_seed(seed)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before)
