"""How much of the processor the models may use, and whether there is a GPU."""

import torch


def set_threads(threads: int) -> None:
    """Use this many threads for one inference; 0 leaves torch's own choice.

    For the whole process: the service calls it once, before it loads a model.
    """
    if threads > 0:
        torch.set_num_threads(threads)


def check_device(device: str) -> None:
    """Make sure that models can run there.

    Raises:
        ValueError: there is no such device on this machine; the message says what
            there is.
    """
    if device == "cpu":
        return
    n_gpus = torch.cuda.device_count()
    known = ["cpu", "cuda", *(f"cuda:{index}" for index in range(n_gpus))]
    if not n_gpus or device not in known:
        there = ", ".join(known) if n_gpus else "cpu (no GPU was found)"
        raise ValueError(f"expected one of {there}, got {device!r}")
