"""When a training run saves its state, under failures."""
