"""The checksum that HDF5 puts behind a chunk: Fletcher's, of 16-bit words.

J. G. Fletcher, IEEE Trans. Commun. 30, 247 (1982); HDF5's filter fletcher32.
"""

import numpy as np
from numpy.typing import NDArray

from glassdyn.liquid.compiled import compiled

__all__ = ["CHECKSUM_BYTES", "fletcher32"]

CHECKSUM_BYTES = 4
"""Of the checksum, the lowest byte first."""

RUN = 256
"""Words whose sums hold in 32 bits, which the processor adds several at a time."""


@compiled
def fletcher32(content: NDArray[np.uint8]) -> np.int64:
    """The checksum of some bytes.

    With the words w_k, k = 0 ... n - 1, the higher byte first and an odd last byte followed by 0:
    s_1 = sum_k w_k and s_2 = sum_k (n - k) w_k, modulo 2^16 - 1, and 2^16 s_2 + s_1. A multiple of 2^16 - 1 counts
    as that number itself, and not as 0.

    Args:
        content: (n,) contiguous.
    """
    words = content[: len(content) // 2 * 2].view(np.uint16)
    plain_sum, weighted_sum = np.uint64(0), np.uint64(0)
    for start in range(0, len(words), RUN):
        run = words[start : start + RUN]
        plain, weighted = np.uint32(0), np.uint32(0)
        for k in range(len(run)):
            word = np.uint32(run[k])  # of a little-endian machine
            word = ((word >> np.uint32(8)) | (word << np.uint32(8))) & np.uint32(0xFFFF)
            plain += word
            weighted += word * np.uint32(len(run) - k)
        weighted_sum += np.uint64(len(run)) * plain_sum + np.uint64(weighted)
        plain_sum += np.uint64(plain)
    if len(content) % 2:
        plain_sum += np.uint64(content[-1]) << np.uint64(8)
        weighted_sum += plain_sum
    return np.int64((_folded(weighted_sum) << np.uint64(16)) | _folded(plain_sum))


@compiled
def _folded(total: np.uint64) -> np.uint64:
    return np.uint64(0) if total == 0 else (total - np.uint64(1)) % np.uint64(0xFFFF) + np.uint64(1)
