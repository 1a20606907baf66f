"""External Secrets: its manifests as data, what is wrong with them, and the stores behind them."""
