"""Networks that regress the mobility from the structure."""

import warnings

# PyTorch Geometric scripts classes of its own when imported; users can do nothing about it.
warnings.filterwarnings("ignore", message=".torch.jit.script. is deprecated", category=FutureWarning)
