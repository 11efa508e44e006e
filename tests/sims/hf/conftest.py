"""One tiny model for all tests of this folder: skipped without torch, transformers."""

import os

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is downloaded


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Small products are slower on several threads, much so beside other work."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """The folder of a tiny model."""
    from hf_cases import make_model

    folder = tmp_path_factory.mktemp("models") / "tiny"
    make_model(folder)
    return folder
