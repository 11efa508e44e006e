"""Torsions of alanine dipeptide by molecular dynamics: how the shipped data were made.

The pairs (phi, psi) of collapse/data/torsions/ come from this script alone:

    pip install openmm
    python scripts/alanine_dipeptide.py --replicas 8 --minutes 6.2 --seed 1 --out run-1

It simulates Ac-Ala-NHMe (22 atoms) with the force field ff14SB and the implicit solvent
OBC2 at 300 K. Left to itself the molecule crosses the barriers of phi within tens of
nanoseconds only. So a fixed potential V(phi) is added that makes phi nearly uniform,
and a frame is kept with probability proportional to exp(V(phi) / kT): what is kept has
the law of the molecule without V, whatever V is. The second run is independent: another
seed for positions, velocities, noise and selection.

It writes OUT.npy, int16 pairs in units of pi / 32768 in random order, OUT.npz, all
frames in order of time, and OUT.json, how it was made and how certain its shares are.
"""

import argparse
import io
import json
import math
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import openmm
from openmm import app, unit

FORCE_FIELD = ("amber14/protein.ff14SB.xml", "implicit/obc2.xml")
KELVIN, FRICTION, STEP = 300.0, 1.0, 0.004  # K, 1/ps, ps
HYDROGEN_MASS = 3.0  # atomic units, taken from the heavy neighbour; total mass is kept
KT = 8.314462618e-3 * KELVIN  # kJ/mol
EVERY = 0.5  # ps between two frames
SETTLE = 100.0  # ps before the first one
NUM_PAIRS = 18_000
BLOCK_FRAMES = 2000  # 1 ns
# Starts of replicas (phi, psi), in degrees: C7eq, beta, alpha_R, alpha_L, C7ax.
STARTS = ((-80, 75), (-150, 150), (-75, -20), (55, 40), (65, -60))
# V in kJ/mol: factors of cos k phi and of sin k phi, k = 1, 2, ...; found by `--pilot`
BIAS = (
    (-0.031, -5.243, -6.827, -2.745, 0.241, 0.463),
    (-10.499, 6.133, -1.167, 1.06, -1.926, 0.908),
)
HEAVY = """\
ATOM      1  CH3 ACE A   1       2.000   2.090   0.000  1.00  0.00           C
ATOM      2  C   ACE A   1       3.427   2.641   0.000  1.00  0.00           C
ATOM      3  O   ACE A   1       4.391   1.877   0.000  1.00  0.00           O
ATOM      4  N   ALA A   2       3.555   3.970   0.000  1.00  0.00           N
ATOM      5  CA  ALA A   2       4.853   4.614   0.000  1.00  0.00           C
ATOM      6  CB  ALA A   2       5.661   4.221  -1.232  1.00  0.00           C
ATOM      7  C   ALA A   2       4.713   6.129   0.000  1.00  0.00           C
ATOM      8  O   ALA A   2       3.601   6.653   0.000  1.00  0.00           O
ATOM      9  N   NME A   3       5.846   6.835   0.000  1.00  0.00           N
ATOM     10  C   NME A   3       5.846   8.284   0.000  1.00  0.00           C
END
"""


def torsions(topology):
    """The four atoms of phi and of psi."""
    place = {(a.residue.name, a.name): a.index for a in topology.atoms()}
    phi = [("ACE", "C"), ("ALA", "N"), ("ALA", "CA"), ("ALA", "C")]
    psi = [*phi[1:], ("NME", "N")]
    return [[place[atom] for atom in own] for own in (phi, psi)]


def angle(positions, atoms):
    """The torsion angle of four atoms in [-pi, pi), IUPAC's sign."""
    a, b, c, d = positions[atoms]
    first, axis, last = b - a, c - b, d - c
    right = np.cross(axis, last)
    across = np.dot(first, right) * np.linalg.norm(axis)
    return math.atan2(across, np.dot(np.cross(first, axis), right))


def potential(phi, bias):
    """V(phi) in kJ/mol."""
    k = np.arange(1, len(bias[0]) + 1)
    wave = k * np.asarray(phi)[..., None]
    return np.cos(wave) @ np.asarray(bias[0]) + np.sin(wave) @ np.asarray(bias[1])


def simulation(bias, seed):
    """A simulation at rest, the four atoms of both torsions, and how to hold them."""
    field, pdb = app.ForceField(*FORCE_FIELD), app.PDBFile(io.StringIO(HEAVY))
    model = app.Modeller(pdb.topology, pdb.positions)
    model.addHydrogens(field)
    system = field.createSystem(
        model.topology,
        nonbondedMethod=app.NoCutoff,
        constraints=app.HBonds,
        hydrogenMass=HYDROGEN_MASS * unit.amu,
    )
    atoms = torsions(model.topology)
    waves = zip(("cos", "sin"), bias, strict=True)
    terms = [f"{a}*{f}({k}*theta)" for f, own in waves for k, a in enumerate(own, 1)]
    flat = openmm.CustomTorsionForce("+".join(terms))
    flat.addTorsion(*atoms[0])
    system.addForce(flat)
    hold = openmm.CustomTorsionForce("hold*(1-cos(theta-at))")
    hold.addGlobalParameter("hold", 0.0)
    hold.addPerTorsionParameter("at")
    for own in atoms:
        hold.addTorsion(*own, [0.0])
    system.addForce(hold)
    integrator = openmm.LangevinMiddleIntegrator(
        KELVIN * unit.kelvin, FRICTION / unit.picosecond, STEP * unit.picoseconds
    )
    integrator.setRandomNumberSeed(seed)
    cpu = openmm.Platform.getPlatform("CPU")
    run = app.Simulation(model.topology, system, integrator, cpu, {"Threads": "1"})
    run.context.setPositions(model.positions)
    return run, atoms, hold


def start(run, atoms, hold, degrees, seed):
    """Bring the molecule near a pair of torsions, and let it go."""
    for k, own in enumerate(atoms):
        hold.setTorsionParameters(k, *own, [math.radians(degrees[k])])
    hold.updateParametersInContext(run.context)
    run.context.setParameter("hold", 200.0)
    run.minimizeEnergy()
    run.context.setVelocitiesToTemperature(KELVIN * unit.kelvin, seed)
    run.step(round(10 / STEP))
    run.context.setParameter("hold", 0.0)


def replica(job):
    """Frames [frames, 2] of one replica, in radians, and its steps a second."""
    number, seed, ns, seconds, bias = job
    begun = time.monotonic()
    run, atoms, hold = simulation(bias, seed)
    start(run, atoms, hold, STARTS[number % len(STARTS)], seed)
    run.step(round(SETTLE / STEP))
    steps, frames, first = round(EVERY / STEP), [], time.monotonic()
    while len(frames) < round(1000 * ns / EVERY) and time.monotonic() - begun < seconds:
        run.step(steps)
        state = run.context.getState(positions=True)
        where = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        frames.append([angle(where, own) for own in atoms])
    return np.array(frames), len(frames) * steps / (time.monotonic() - first)


def flattened(frames, bias, size=6, cap=30.0):
    """A potential that would make phi more nearly uniform: minus its free energy."""
    edges = np.linspace(-np.pi, np.pi, 73)
    middle = (edges[1:] + edges[:-1]) / 2
    share = np.histogram(frames[:, 0], edges)[0] / len(frames)
    free = -KT * np.log(np.maximum(share, 0.1 / len(frames))) - potential(middle, bias)
    free = np.minimum(free - free.min(), cap)
    wave = np.arange(1, size + 1) * middle[:, None]
    waves = np.concatenate([np.cos(wave), np.sin(wave), np.ones((72, 1))], axis=1)
    found = np.linalg.lstsq(waves, -free, rcond=None)[0].round(3)
    return tuple(found[:size].tolist()), tuple(found[size : 2 * size].tolist())


def worth(series):
    """Independent values that a series [frames] is worth, by its autocorrelation.

    The sum of correlations ends where the lag is 5 times the sum (Sokal 1997).
    """
    x = series - series.mean()
    if not x.any():
        return 1.0
    power = np.abs(np.fft.rfft(x, 2 * len(x))) ** 2
    products = np.fft.irfft(power)[: len(x)]
    times = 2 * np.cumsum(products / products[0]) - 1
    window = np.flatnonzero(np.arange(len(x)) >= 5 * times)
    return len(x) / max(times[window[0] if len(window) else -1], 1.0)


def regions(frames):
    """Indicators of the regions that the project counts, as frames of any shape."""
    phi, psi = np.degrees(frames[..., 0]), np.degrees(frames[..., 1])
    left, low = phi > 0, (psi > -25) & (psi < 110)
    return {
        "C7eq": ~left & ((psi > 40) | (psi < -110)),
        "alpha_R": ~left & (psi > -110) & (psi < 40),
        "alpha_L": left & low,
        "C7ax": left & ~low,
    }


def crossings(frames):
    """How often the replicas went from well below phi = 0 to well above, or back."""
    phi = np.degrees(frames[..., 0])
    side = np.where((phi > 30) & (phi < 90), 1, np.where(phi < -30, -1, 0))
    cores = [own[own != 0] for own in side]
    return int(sum((np.diff(own) != 0).sum() for own in cores))


def arguments():
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicas", type=int, default=8, help="of the molecule")
    parser.add_argument("--processes", type=int, help="default: one a replica")
    parser.add_argument("--ns", type=float, default=20, help="of each replica")
    parser.add_argument("--minutes", type=float, default=1e6, help="at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pilot", type=int, default=0, help="rounds that renew V")
    parser.add_argument("--frames", help="select anew from this .npz; simulate nothing")
    parser.add_argument("--out", required=True, help="name without suffix")
    return parser.parse_args()


def main():
    """Simulate, select, write, and say what came out."""
    args, bias = arguments(), BIAS
    out = Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    if args.frames:
        with np.load(args.frames) as kept:
            return save(out, args, bias, kept["frames"].astype(float))
    seeds = np.random.SeedSequence(args.seed)
    with ProcessPoolExecutor(args.processes or args.replicas) as pool:

        def round_(ns, minutes):
            fresh = seeds.spawn(args.replicas)
            # a seed of 0 would mean one by the clock
            words = [1 + int(s.generate_state(1)[0]) % (2**31 - 2) for s in fresh]
            more = (ns, 60 * minutes, bias)
            jobs = [(k, word, *more) for k, word in enumerate(words)]
            return list(pool.map(replica, jobs))

        for _ in range(args.pilot):
            frames = np.concatenate([own for own, _ in round_(args.ns / 10, 1e6)])
            bias = flattened(frames, bias)
            print("BIAS =", bias, flush=True)
        found = round_(args.ns, args.minutes)
    print("steps a second:", [round(rate) for _, rate in found])
    length = min(len(own) for own, _ in found)
    frames = np.stack([own[:length] for own, _ in found])
    np.savez_compressed(out.with_suffix(".npz"), frames=frames.astype(np.float32))
    save(out, args, bias, frames)


def save(out, args, bias, frames):
    """Select pairs from frames [replicas, time, 2] by their weights, and write them."""
    rng = np.random.default_rng([args.seed, 1])
    flat = frames.reshape(-1, 2)
    weights = np.exp(potential(frames[..., 0], bias) / KT)
    weights /= weights.max()
    kept = np.flatnonzero(rng.uniform(size=len(flat)) < weights.ravel())
    chosen = flat[rng.permutation(kept)[:NUM_PAIRS]]
    whole = np.round(chosen * (32768 / np.pi)).astype(np.int64)
    pairs = ((whole + 32768) % 65536 - 32768).astype(np.int16)
    blocks = {name: in_blocks(weights, i) for name, i in regions(frames).items()}
    report = {
        "pairs": len(pairs),
        "frames_kept": len(kept),
        "nanoseconds": round(len(flat) * EVERY / 1000, 1),
        "replicas": len(frames),
        "seed": args.seed,
        "force_field": [*FORCE_FIELD],
        "openmm": openmm.version.version,
        "bias": bias,
        "barrier_crossings": crossings(frames),
        "block_ns": BLOCK_FRAMES * EVERY / 1000,
        "shares": {
            k: share_of(weights, v, blocks[k]) for k, v in regions(frames).items()
        },
        "of_pairs": {k: round(v.mean(), 5) for k, v in regions(chosen).items()},
        "blocks": {name: np.round(own, 5).tolist() for name, own in blocks.items()},
    }
    np.save(out.with_suffix(".npy"), pairs)
    out.with_suffix(".json").write_text(json.dumps(report) + "\n")
    print(json.dumps({k: v for k, v in report.items() if k != "blocks"}, indent=1))


def in_blocks(weights, inside):
    """Terms [blocks] whose mean is the weighted share, each of a piece of a replica."""
    share = (weights * inside).sum() / weights.sum()
    terms = share + weights * (inside - share) / weights.mean()
    size = min(BLOCK_FRAMES, terms.shape[1] // 2)
    num = terms.shape[1] // size
    return terms[:, : num * size].reshape(len(terms), num, size).mean(2).ravel()


def share_of(weights, inside, blocks):
    """The share of a region, its standard errors, and what the frames are worth.

    The errors are by blocks of time, among replicas, and by autocorrelation.
    """
    share = (weights * inside).sum() / weights.sum()
    terms = weights * (inside - share) / weights.mean()
    among = terms.mean(1).std(ddof=1) / math.sqrt(len(terms))
    own = math.sqrt(sum((t**2).mean() / worth(t) for t in terms)) / len(terms)
    errors = [blocks.std(ddof=1) / math.sqrt(len(blocks)), among, own]
    return {
        "share": round(float(share), 6),
        "standard_errors": [round(float(error), 6) for error in errors],
        "worth": [round(float(share * (1 - share) / e**2)) if e else 0 for e in errors],
    }


if __name__ == "__main__":
    main()
