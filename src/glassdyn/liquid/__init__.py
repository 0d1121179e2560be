"""What the system is: the mixture, its potential, the periodic box, who is near whom."""
