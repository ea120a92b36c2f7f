"""How much of the processor the models may use."""

import torch


def set_threads(threads: int) -> None:
    """Use this many threads for one inference; 0 leaves torch's own choice.

    For the whole process: the service calls it once, before it loads a model.
    """
    if threads > 0:
        torch.set_num_threads(threads)
