"""The system: the mixture, its potential, the periodic box, neighbours."""
