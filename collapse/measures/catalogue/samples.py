"""Metrics of samples of points, angles and images."""

from collapse.measures.quantity import Quantity, diversity, error, loss, ratio, tail

# of samples, by distances between rows; defined in `measures.neighbours`
SAMPLES = {
    "precision": Quantity(
        "precision (5 neighbours)",
        "share of generated rows",
        None,
        "higher",
        aspect="hallucination",
    ),
    "recall": Quantity(
        "recall (5 neighbours)", "share of real rows", None, "higher", aspect="support"
    ),
    "generalisation_score": Quantity(
        "mean distance to the nearest training row", "data units"
    ),
    "energy_distance": error("energy distance", "data units", "drift"),
}

# of torsion angles; defined in `measures.torus`
TORSIONS = {
    # what a perfect model reaches is above 0, and depends on the number of rows
    "torsion_divergence": Quantity(
        "Jensen-Shannon divergence of torsions", "nats", None, "lower", aspect="drift"
    ),
    "rare_conformer_survival": tail("share of the rare conformer", aspect="support"),
    "gauche_pair_survival": tail("share of gauche-gauche pairs", aspect="support"),
}

# of diffusion models, besides `SAMPLES`; modes are defined in `measures.modes`
OFF_MANIFOLD = ratio("squared distance from the ring")
WITHIN_CLASS = ratio("variance within a class", "variance")

IMAGES = {  # of models with latents; defined in `measures.images`
    "negative_elbo": loss("negative ELBO on held-out images", "nats an image"),
    "negative_iw_bound": loss("negative importance-weighted bound", "nats an image"),
    "test_error": error("true log-density minus the bound", "nats an image", "error"),
    "reconstruction_error": Quantity("reconstruction error", "a pixel", None, "lower"),
    "variance_ratio": ratio("variance of generated images", "variance"),
    "mean_error": error("squared error of the mean", "ratio to truth's trace", "drift"),
    "precision": Quantity("generated images among real ones", "share", None, "higher"),
    "recall": Quantity("real images among generated ones", "share", None, "higher"),
    "frechet_distance": error("Fréchet distance", "features squared", "drift"),
    "latent_spread": diversity("latents by generation 0's encoder", "deviation"),
    "active_latents": Quantity("active latents", "latents"),
    "tail_mass_10pct": tail("mass of the rarest classes that carry 10 %"),
    "class_survival": Quantity("classes left", "share of all", 1.0, aspect="support"),
    "class_distance": error("distance of class shares", "total variation", "drift"),
}
