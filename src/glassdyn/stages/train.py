"""Stage train: the network that regresses the labels from the structure."""

import json
from pathlib import Path

from glassdyn import params, trajectory
from glassdyn.figures import style
from glassdyn.figures.training import curves, read_curves
