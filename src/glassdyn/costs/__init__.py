"""What a run costs: steps, hours, disk and memory, estimated from rates that were measured."""
