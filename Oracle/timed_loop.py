"""What the timed training loops share: their options, and the line of JSON they end with."""

import argparse
import json
import math
import resource
import sys


def parser(description: str, steps: int, warmup_steps: int, batch_size: int
           ) -> argparse.ArgumentParser:
    """A parser of the options that every loop has; the numbers are defaults."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--steps", type=int, default=steps, help="optimizer steps in all")
    parser.add_argument("--warmup-steps", type=int, default=warmup_steps,
                        help="first steps, which the rates leave out; the schedule has none")
    parser.add_argument("--batch-size", type=int, default=batch_size)
    parser.add_argument("--weight", type=float, default=1.0, help="of the norm term")
    parser.add_argument("--dropout", type=float, help="instead of the configuration's")
    parser.add_argument("--threads", type=int, help="default: PyTorch's own choice")
    parser.add_argument("--seed", type=int, default=50)
    return parser


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options; refuses a loop that is all warm-up."""
    options = parser.parse_args()
    if options.warmup_steps >= options.steps:
        parser.error("--warmup-steps must be smaller than --steps")
    return options


def prepare(options: argparse.Namespace) -> None:
    """Sets PyTorch's threads and seed, and keeps transformers quiet, where it is imported: a loop
    that does without it is not made to hold it in memory."""
    import torch

    if transformers := sys.modules.get("transformers"):
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)


def peak_memory() -> int:
    """Bytes this program held at once. Linux keeps ru_maxrss over exec, so that a large parent
    would show; VmHWM is the program's own."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak if sys.platform == "darwin" else peak * 1024


def matching(model, pattern) -> list:
    """The parameters whose whole name matches, for the norm term; ends the program without any."""
    found = [parameter for name, parameter in model.named_parameters() if pattern.fullmatch(name)]
    if not found:
        raise SystemExit("the model's parameters have other names than expected: none is "
                         "regularized")
    return found


def gradient_norm(parameters) -> float:
    """The norm of all gradients together, in fp32 as the trainer that is compared with has it:
    over the 25 million weights of VGG's head, the rounding alone is 4e-4, and the same on both
    sides."""
    import torch

    return torch.norm(torch.stack([torch.norm(one.grad) for one in parameters])).item()


class Rates:
    """Rates over the steps that are no warm-up."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.rated = slice(options.warmup_steps, None)
        self.samples = options.batch_size * (options.steps - options.warmup_steps)
        self.all_samples = options.batch_size * options.steps

    def tokens(self, tokens: list[int], times: list[float], padded: int) -> dict:
        """What is said of the tokens that the steps took, padding not counted."""
        return {
            "per_second": sum(tokens[self.rated]) / math.fsum(times[self.rated]),
            "per_sequence": sum(tokens) / self.all_samples,
            "padded_per_sequence": padded,
        }

    def each(self, seconds: list[float]) -> float:
        """Seconds a sample."""
        return math.fsum(seconds[self.rated]) / self.samples


def show(options: argparse.Namespace, *, times: list[float], losses: list[dict], **more) -> None:
    """Prints the line: the rate, the steps, and what else the loop has to say."""
    import torch

    if transformers := sys.modules.get("transformers"):
        more["transformers"] = transformers.__version__
    rates = Rates(options)
    print(json.dumps({
        "samples_per_second": rates.samples / math.fsum(times[rates.rated]),
        "steps": options.steps,
        "warmup_steps": options.warmup_steps,
        "batch_size": options.batch_size,
        "step_seconds": times,
        "peak_rss_bytes": peak_memory(),
        "losses": losses,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        **more,
    }))
