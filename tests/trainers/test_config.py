from dataclasses import fields, replace

import pytest

from curator.errors import ConfigurationError
from trainers.config import _READERS, TrainConfig, load_config


def test_every_setting_can_be_read_from_a_file():
    assert set(_READERS) == {field.name for field in fields(TrainConfig)}


def test_table_round_trip():
    config = TrainConfig(spacing_mm=(5.0, 1.5, 1.5), patch_size=(8, 64, 64), flip_axes=(1, 2), steps=7, amp=False)
    assert TrainConfig.from_table(config.to_table()) == config
    assert TrainConfig.from_table({}) == TrainConfig()


def test_file(tmp_path):
    file = tmp_path / "train.toml"
    file.write_text('[train]\nsteps = 12\nlearning_rate = 1\nspacing_mm = [3, 1.5, 1.5]\nbatch_size = "auto"\n')
    assert load_config(file) == TrainConfig(steps=12, learning_rate=1.0, spacing_mm=(3.0, 1.5, 1.5))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[train]\nstep = 3", "did you mean 'steps'"),
        ("[trian]\nsteps = 3", "did you mean 'train'"),
        ("steps = 3", "steps"),
        ("[train]\nsteps = true", "steps"),
        ("[train]\nsteps = 1.5", "steps"),
        ("[train]\nsteps = 0", "steps: must be above 0"),
        ("[train]\nseed = -1", "seed"),
        ('[train]\nnetwork = "vnet"', "network: must be one of unet"),
        ('[train]\noptimizer = "adam"', "adamw"),
        ('[train]\ndevice = "tpu"', "device"),
        ("[train]\npatch_size = [8, 8]", "patch_size"),
        ("[train]\npatch_size = [8, 8, 8.0]", "patch_size"),
        ("[train]\npatch_size = [8, 8, 0]", "patch_size"),
        ("[train]\nspacing_mm = [1, 1, -1]", "spacing_mm"),
        ('[train]\nspacing_mm = "Auto"', "spacing_mm"),
        ("[train]\nchannels = [16]", "channels"),
        ("[train]\nchannels = [16, true]", "channels"),
        ("[train]\nflip_axes = [3]", "flip_axes"),
        ("[train]\nforeground_fraction = 1.5", "foreground_fraction"),
        ("[train]\namp = 1", "amp"),
        ("[train", "TOML"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path, text, told):
    file = tmp_path / "train.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=told):
        load_config(file)


def test_missing_file(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_config(tmp_path / "none.toml")


def test_ranges_hold_for_values_set_in_code_too():
    with pytest.raises(ConfigurationError, match="steps"):
        replace(TrainConfig(), steps=0)
