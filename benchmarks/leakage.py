"""How much a model gains by cheating before the referee notices, and how often it is wrong.

    python benchmarks/leakage.py                  the table of docs/protocol.md
    python benchmarks/leakage.py --honest 20000   false alarms on honest answers, drawn anew

The seed genome of the machine's scale is trained once; its honest losses are what every adversary
starts from. An adversary knows everything but the referee's draws: which rows are scored, which
question is an audit and of what. It answers as it likes, by the losses that it would have; the
evaluation and its tests are the real ones. For each kind of adversary the table has the gain, in
bits per byte, at which half of the evaluations catch it: what it still gets with probability 1/2.
A ">" stands before a gain that is not caught at any strength. Prepare data first.
"""

import argparse
import math
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from trainer.devices import find_devices  # noqa: E402
from trainer.referee.evaluation import EvaluationResult, evaluate_model  # noqa: E402
from trainer.referee.leakage import LIMIT, compute_bits_per_byte  # noqa: E402
from trainer.referee.text import Text  # noqa: E402
from trainer.setup import set_up  # noqa: E402
from trainer.task import load_task  # noqa: E402

MEASURES = {"usual": None, "would be the best": 1e9, "finalist": math.inf}
STEPS = 7  # of the search for a gain
DUMP = """
import numpy, torch
rows = torch.from_numpy(numpy.load("rows.npy").astype("int64"))
with torch.no_grad():
    answers = [model(part[:, :-1]).float()[..., :-4].log_softmax(-1) for part in rows.split(64)]
targets = rows[:, 1:, None].clamp(max=answers[0].size(-1) - 1)
numpy.save("losses.npy", -torch.cat(answers).gather(2, targets)[..., 0].double().numpy())
"""


@dataclass(frozen=True)
class Adversary:
    """A way to cheat.

    Attributes:
        name: Description for the table.
        cheat: Function of honest losses (rows, context) in the order of asking, of a strength from
            0 to 1, and of a generator, to the losses that are answered.
        replays: Whether it recognises what it has answered before, and repeats it.
        spares: Whether it leaves rows alone that a prefix was asked of.
        learns: Whether the losses that it has without cheating fall as it is asked.
    """

    name: str
    cheat: Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
    replays: bool = True
    spares: bool = False
    learns: bool = False


class SimulatedModel:
    """Answers as an adversary would, by its losses; see `trainer.referee.evaluation.AskedModel`.

    Args:
        text: Text that is scored.
        honest: Losses (rows, context) in nats without cheating.
        adversary: Way to cheat.
        strength: How much, from 0 to 1.
        noise: Deviation in nats of two answers to one question.
        rng: Generator of what the adversary draws.
    """

    def __init__(
        self,
        text: Text,
        honest: np.ndarray,
        adversary: Adversary,
        strength: float,
        noise: float,
        rng: np.random.Generator,
    ) -> None:
        self.batch = max(len(text.scored) // 16, 1)
        self._text, self._honest, self._adversary = text, honest, adversary
        self._strength, self._noise, self._rng = strength, noise, rng
        self._numbers = {row[1:].tobytes(): i for i, row in enumerate(text.scored)}
        self._sequence: list[int] = []  # scored rows, in the order in which they were asked
        self._audited = np.zeros(honest.shape, bool)
        self._shift = rng.integers(1 << 31)  # the same draws in all batches of one evaluation
        self.answers = np.full(honest.shape, np.nan)

    def compute_losses(
        self, rows: np.ndarray, targets: np.ndarray, asked: np.ndarray
    ) -> np.ndarray:
        """Answer audits: before the scored rows as it must, after them as it likes."""
        found = []
        for question, column in np.argwhere(asked):
            row = self._numbers[targets[question].tobytes()]
            repeated = bool((rows[question] == self._text.scored[row]).all())
            found.append(self._answer(row, column, repeated))
        ordinary = targets[asked] < self._text.bos
        noise = self._noise * self._rng.normal(size=len(found))
        return np.where(ordinary, np.array(found) + noise, 0)

    def _answer(self, row: int, column: int, repeated: bool) -> float:
        committed = self.answers[row, column]
        if np.isnan(committed):  # it has not been shown the token
            self._audited[row, column] = True
            share = len(self._sequence) / len(self._honest) if self._adversary.learns else 0
            return float(self._honest[row, column] * (1 - share * self._strength))
        return float(
            committed if repeated or self._adversary.replays else self._honest[row, column]
        )

    def compute_all_losses(self, rows: np.ndarray, share: float) -> np.ndarray:
        """Answer scored rows; rows that only fill up a batch get any answer."""
        numbers = np.array([self._numbers.get(row[1:].tobytes(), -1) for row in rows])
        chosen = numbers[numbers >= 0].tolist()
        order = [*self._sequence, *chosen]
        order += sorted(set(range(len(self._honest))) - set(order))
        cheated = np.empty_like(self._honest)
        cheated[order] = self._adversary.cheat(
            self._honest[order], self._strength, np.random.default_rng(self._shift)
        )
        audited = self._audited
        if self._adversary.spares:
            audited = np.repeat(audited.any(1, keepdims=True), audited.shape[1], 1)
        if self._adversary.replays:
            cheated = np.where(audited, self._honest, cheated)
        self.answers[chosen] = cheated[chosen]
        self._sequence += chosen
        losses = np.zeros(rows[:, 1:].shape)
        losses[numbers >= 0] = cheated[chosen]
        losses += self._noise * self._rng.normal(size=losses.shape)
        return np.where(rows[:, 1:] < self._text.bos, losses, 0)


def read_with_weight(losses: np.ndarray, weight: np.ndarray | float) -> np.ndarray:
    """Losses once the shown token is mixed into the answers."""
    return -np.log((1 - weight) * np.exp(-losses) + weight)


def choose(share: float) -> Callable[[np.ndarray, float, np.random.Generator], np.ndarray]:
    """Read a part of the tokens, drawn by chance, so that this share of their loss is gone."""
    return lambda x, s, rng: np.where(rng.random(x.shape) < s, (1 - share) * x, x)


def by_place(x: np.ndarray, s: float, _: np.random.Generator) -> np.ndarray:
    late = np.arange(x.shape[1]) >= x.shape[1] * 0.75
    return np.where(late, (1 - s) * x, x)


def by_half(first: bool) -> Callable[[np.ndarray, float, np.random.Generator], np.ndarray]:
    def cheat(x: np.ndarray, s: float, _: np.random.Generator) -> np.ndarray:
        early = np.arange(len(x))[:, None] < len(x) / 2
        return np.where(early == first, (1 - s) * x, x)

    return cheat


def all_or_nothing(x: np.ndarray, s: float, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(x.shape) < (1 - s) * x.mean() / 14, 14.0, 0.0)


def learn(x: np.ndarray, s: float, _: np.random.Generator) -> np.ndarray:
    return x * (1 - s * np.linspace(0, 1, len(x))[:, None])


ADVERSARIES = [
    Adversary("every loss the same share lower", lambda x, s, _: (1 - s) * x),
    Adversary("every loss the same amount lower", lambda x, s, _: np.maximum(x - 4 * s, 0)),
    Adversary("the shown token with a weight", lambda x, s, _: read_with_weight(x, 0.1 * s**3)),
    Adversary("some tokens, wholly", choose(0.999)),
    Adversary("some tokens, by half", choose(0.5)),
    Adversary(
        "some rows",
        lambda x, s, rng: np.where(rng.random((len(x), 1)) < s, 0.3 * x, x),
    ),
    Adversary("the last quarter of each row", by_place),
    Adversary("the easy tokens", lambda x, s, _: np.where(x < np.quantile(x, s), 0.0, x)),
    Adversary("the hard tokens", lambda x, s, _: np.minimum(x, np.quantile(x, 1 - s))),
    Adversary("the first half of the evaluation", by_half(first=True)),
    Adversary("the second half of the evaluation", by_half(first=False)),
    Adversary("rows without a prefix only", lambda x, s, _: (1 - s) * x, spares=True),
    Adversary("losses all or nothing", all_or_nothing),
    Adversary(
        "losses of any other tokens",
        lambda x, s, rng: (1 - s) * rng.permuted(x.ravel()).reshape(x.shape),
    ),
    Adversary("learns, reads less and less", lambda x, s, _: (1 - s) * x, learns=True),
    Adversary("learns from the questions only", learn),
    Adversary("no memory: some tokens, wholly", choose(0.999), replays=False),
    Adversary(
        "no memory: the shown token with a weight",
        lambda x, s, _: read_with_weight(x, 0.1 * s**3),
        replays=False,
    ),
]
HONEST = Adversary("honest", lambda x, _, __: x, replays=False)


def train_seed(text: Text, env: dict[str, str], seed: str, budget: float) -> np.ndarray:
    """Honest losses (rows, context) of the seed genome after some seconds of training."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "rows.npy", text.scored)
        (folder / "genome.py").write_text((ROOT / seed).read_text() + DUMP)
        (folder / "prepare.py").write_bytes((ROOT / "prepare.py").read_bytes())
        device = find_devices("auto")[0]
        env = os.environ | env | device.environment() | {"TRAINER_BUDGET": str(budget)}
        command = [sys.executable, "genome.py"]
        subprocess.run(command, cwd=folder, env=env, stdout=subprocess.DEVNULL, check=True)
        losses: np.ndarray = np.load(folder / "losses.npy")
    return losses


@dataclass(frozen=True)
class Simulation:
    """A text, and the losses that a model has there without cheating.

    Attributes:
        text: Text that is scored.
        honest: Losses (rows, context) in nats.
        runs: Evaluations of one strength of an adversary, or of one honest model.
    """

    text: Text
    honest: np.ndarray
    runs: int

    def evaluate(
        self, adversary: Adversary, strength: float, measure: str, seed: int, noise: float = 0.0
    ) -> EvaluationResult:
        """Evaluate a model that answers as an adversary of this strength."""
        rng = np.random.default_rng([seed, 1])
        model = SimulatedModel(self.text, self.honest, adversary, strength, noise, rng)
        rng = np.random.default_rng([seed, 2])
        return evaluate_model(self.text, model, MEASURES[measure], rng)

    @property
    def val_bpb(self) -> float:
        """Bits per byte without cheating."""
        return compute_bits_per_byte(self.honest, self.text.sizes[self.text.scored[:, 1:]])

    def find_gain(self, number: int, measure: str) -> str:
        """The gain, in words, at which half of the evaluations catch the adversary of a number."""

        def try_strength(root: float) -> tuple[bool, float]:  # finer where the gain is small
            gains, caught = list[float](), 0
            while 2 * caught < self.runs and 2 * (len(gains) - caught) <= self.runs:
                result = self.evaluate(ADVERSARIES[number], root**2, measure, len(gains))
                caught += bool(result.cheating)
                gains.append(self.val_bpb - result.val_bpb)
            return 2 * caught >= self.runs, float(np.mean(gains))

        low, high = 0.0, 1.0
        caught, gain = try_strength(high)
        if not caught:
            return f"> {gain:.3f}"
        for _ in range(STEPS):
            middle = (low + high) / 2
            caught, gained = try_strength(middle)
            if caught:
                high, gain = middle, gained
            else:
                low = middle
        return f"{gain:.3f}"

    def count_false_alarms(self, noise: float, measure: str) -> str:
        """Count the evaluations of an honest model that look like a cheat's; and the worst."""
        alarms, worst = 0, 0.0
        for seed in range(self.runs):
            result = self.evaluate(HONEST, 0.0, measure, seed, noise)
            alarms += bool(result.cheating)
            found = (x for name, x in result.numbers.items() if name.startswith("evidence"))
            worst = max(worst, *found)
        return (
            f"honest, noise {noise:g} nats, {measure}: {alarms} false alarms in {self.runs}, "
            f"smallest bound on an honest model's chance 1e-{worst:.1f}"
        )

    def fill_table(self, pool: ProcessPoolExecutor, console: Console) -> Table:
        """Find the gains of all adversaries in all measures, and print each as it is found."""
        table = Table(title="gain in bits per byte that half of the evaluations catch")
        table.add_column("reads ahead")
        for measure in MEASURES:
            table.add_column(measure, justify="right")
        numbers = range(len(ADVERSARIES))
        gains = [[pool.submit(self.find_gain, i, x) for x in MEASURES] for i in numbers]
        for adversary, found in zip(ADVERSARIES, gains, strict=True):
            cells = [adversary.name, *(gain.result() for gain in found)]
            console.print(" | ".join(cells))
            table.add_row(*cells)
        return table


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--budget", type=float, default=60.0, help="of training (default: 60 s)")
    parser.add_argument("--runs", type=int, default=12, help="runs a strength (default: 12)")
    parser.add_argument("--honest", type=int, metavar="N", help="count false alarms in N instead")
    parser.add_argument("--losses", type=Path, help="honest losses as .npy, instead of training")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    args = parser.parse_args()
    ready = set_up(load_task(ROOT), print)
    assert ready.text is not None, "the task has a referee"
    text = ready.text.open()
    if args.losses:
        honest = np.load(args.losses)
    else:
        honest = train_seed(text, dict(ready.env), ready.seed, args.budget)
    honest[text.scored[:, 1:] >= text.bos] = 0
    console = Console()
    simulation = Simulation(text, honest, args.honest or args.runs)
    about = f"{simulation.val_bpb:.3f} bits per byte, {len(honest)} scored rows"
    console.print(f"{ready.seed}: {about}; guilty below 1e{LIMIT / math.log(10):.1f}")
    with ProcessPoolExecutor(args.jobs, multiprocessing.get_context("fork")) as pool:
        if not args.honest:
            console.print(simulation.fill_table(pool, console))
            return
        kinds = [(noise, measure) for noise in (0.0, 0.3) for measure in MEASURES]
        for line in pool.map(simulation.count_false_alarms, *zip(*kinds, strict=True)):
            console.print(line, soft_wrap=True)


if __name__ == "__main__":
    main()
