"""The loss of each token that is learned, with prompts and padding left out."""

import numpy as np
import torch
from jaxtyping import Bool, Float

from collapse.sims.hf.data import TokenRows
from collapse.sims.hf.network import Network, Weights, no_memory


def token_losses(network: Network, rows: TokenRows) -> torch.Tensor:
    """[n, length - 1] losses in nats of tokens 1, 2, ...; 0 where none is learned.

    The first token of a row is predicted from nothing, so that it has no loss. What
    follows the end of a row is masked as input, too.

    Args:
      network: with its weights set.
      rows: which are all computed at once.
    """
    width = int(np.max(rows.end, initial=1))
    device = network.device
    tokens = torch.as_tensor(np.asarray(rows.tokens)[:, :width], device=device).long()
    end = torch.as_tensor(np.asarray(rows.end), device=device)[:, None]
    here = torch.arange(width, device=device)[None] < end
    with network.products():
        logits = network.model(
            input_ids=torch.where(here, tokens, 0),
            attention_mask=here.long(),
            use_cache=False,
        ).logits
    logits, target = logits[:, :-1].float(), tokens[:, 1:]
    loss = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), target.flatten(), reduction="none"
    ).view_as(target)
    mask = torch.as_tensor(learned(rows)[:, 1:width], device=device)
    return torch.where(mask, loss, 0.0)


def learned(rows: TokenRows) -> Bool[np.ndarray, "n length"]:
    """Mask of the tokens whose loss counts: behind the prompt, up to the end."""
    place = np.arange(rows.tokens.shape[1])[None]
    first = np.maximum(np.asarray(rows.first), 1)[:, None]
    return (place >= first) & (place < np.asarray(rows.end)[:, None])


@torch.no_grad()
def losses(
    network: Network, weights: Weights, rows: TokenRows, batch: int
) -> Float[np.ndarray, "n length"]:
    """The loss of each token of some rows, in nats; NaN where none is learned.

    Args:
      network: that is evaluated.
      weights: of it.
      rows: of tokens.
      batch: rows that are computed at once.

    Raises:
      InputError: if the GPU has no memory left.
    """
    network.put(weights)
    network.model.eval()
    mask = learned(rows)
    found = np.zeros(mask.shape, np.float32)
    advice = f"give less than --generation-batch {batch}"
    with no_memory("generation_batch", advice):
        for start in range(0, len(mask), batch):
            some = TokenRows(
                *(np.asarray(leaf)[start : start + batch] for leaf in rows)
            )
            values = token_losses(network, some).cpu().numpy()
            found[start : start + batch, 1 : 1 + values.shape[1]] = values
    return np.where(mask, found, np.nan)
