"""Networks that regress the mobility from the structure."""

import os
import warnings

# PyTorch Geometric scripts classes of its own when imported; users can do nothing about it.
warnings.filterwarnings("ignore", message=".torch.jit.script. is deprecated", category=FutureWarning)

# Arrays of all edges are hundreds of megabytes, given back and asked for anew in every block. On pages of
# 2 MB the asking costs a tenth. PyTorch reads this once, at its first array.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
